// xattr(7), setxattr(2), getxattr(2), listxattr(2), removexattr(2): what a tmpfs keeps: trusted, security, not user; errors.
#include "contract.h"
#include <sys/xattr.h>

int main(void)
{
	char b[256] = "";
	put_file("f", "");
	symlink("f", "s");
	CALL("trusted", setxattr("f", "trusted.one", "value", 5, 0));
	CALL("get", getxattr("f", "trusted.one", b, sizeof b));
	FACT("'%s'", b);
	CALL("size alone", getxattr("f", "trusted.one", NULL, 0));
	CALL("room too small", getxattr("f", "trusted.one", b, 3));
	CALL("none of that name", getxattr("f", "trusted.two", b, sizeof b));
	CALL("create what is there", setxattr("f", "trusted.one", "x", 1, XATTR_CREATE));
	CALL("replace what is not", setxattr("f", "trusted.two", "x", 1, XATTR_REPLACE));
	CALL("replace", setxattr("f", "trusted.one", "longer value", 12, XATTR_REPLACE));
	CALL("empty", setxattr("f", "trusted.empty", NULL, 0, 0));
	CALL("get empty", getxattr("f", "trusted.empty", b, sizeof b));
	CALL("security", setxattr("f", "security.test", "s", 1, 0));
	CALL("user on a tmpfs", setxattr("f", "user.test", "u", 1, 0));
	CALL("no prefix", setxattr("f", "test", "u", 1, 0));
	CALL("an unknown prefix", setxattr("f", "other.test", "u", 1, 0));
	CALL("a prefix alone", setxattr("f", "trusted.", "u", 1, 0));
	CALL("an empty name", setxattr("f", "", "u", 1, 0));
	char name[300] = "trusted.";
	memset(name + 8, 'n', 247);
	CALL("a name of 255", setxattr("f", name, "u", 1, 0));
	strcat(name, "n");
	CALL("a name of 256", setxattr("f", name, "u", 1, 0));
	CALL("a value too large", setxattr("f", "trusted.big", b, 65537, 0));
	CALL("bad flags", setxattr("f", "trusted.one", "x", 1, 4));
	name[255] = 0;
	removexattr("f", name);
	long n = listxattr("f", b, sizeof b);
	bool one = false, empty = false, test = false;
	for (char *p = b; p < b + n; p += strlen(p) + 1) {
		one |= strcmp(p, "trusted.one") == 0;
		empty |= strcmp(p, "trusted.empty") == 0;
		test |= strcmp(p, "security.test") == 0;
	}
	FACT("list: %ld bytes, %d %d %d", n, one, empty, test);
	CALL("list: size alone", listxattr("f", NULL, 0));
	CALL("list: room too small", listxattr("f", b, 5));
	CALL("remove", removexattr("f", "trusted.one"));
	CALL("again", removexattr("f", "trusted.one"));
	CALL("through a link", setxattr("s", "trusted.via", "l", 1, 0));
	CALL("of the link itself", lsetxattr("s", "trusted.link", "l", 1, 0));
	CALL("the file has it not", getxattr("f", "trusted.link", b, sizeof b));
	int fd = open("f", O_RDONLY);
	CALL("by descriptor", fgetxattr(fd, "trusted.via", b, sizeof b));
	CALL("by O_PATH", fgetxattr(open("f", O_PATH), "trusted.via", b, sizeof b));
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		CALL("a user reads trusted", getxattr("f", "trusted.via", b, sizeof b));
		CALL("sets trusted", setxattr("f", "trusted.via", "x", 1, 0));
		CALL("lists", listxattr("f", b, sizeof b));
	}
	REAP(pid);
	CALL("in /proc", setxattr("/proc/self/status", "trusted.x", "x", 1, 0));
	CALL("ctime moves", ({ struct stat a, c; stat("f", &a); clock_moves(); setxattr("f", "trusted.t", "t", 1, 0); stat("f", &c); c.st_ctim.tv_nsec != a.st_ctim.tv_nsec; }));
}
