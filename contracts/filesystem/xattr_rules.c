// xattr(7), setxattr(2), getxattr(2), listxattr(2), removexattr(2): names, sizes, flags, permissions, links.
#include "contract.h"
#include <sys/xattr.h>

static void list(const char *path)
{
	char b[512];
	ssize_t n = listxattr(path, b, sizeof b);
	FACT("%zd bytes", n);
	for (ssize_t i = 0; i < n; i += strlen(b + i) + 1)
		if (strncmp(b + i, "security.selinux", 16) != 0)
			FACT("  %s", b + i);
}

int main(void)
{
	put_file("f", "");
	mkdir("d", 0755);
	symlink("f", "l");
	char b[300], *big = calloc(1, 70000);
	CALL("set", setxattr("f", "trusted.one", "value", 5, 0));
	CALL("get", getxattr("f", "trusted.one", b, sizeof b));
	CALL("its size", getxattr("f", "trusted.one", NULL, 0));
	CALL("no room", getxattr("f", "trusted.one", b, 4));
	CALL("none", getxattr("f", "trusted.none", b, sizeof b));
	CALL("XATTR_CREATE, taken", setxattr("f", "trusted.one", "v", 1, XATTR_CREATE));
	CALL("XATTR_REPLACE, none", setxattr("f", "trusted.none", "v", 1, XATTR_REPLACE));
	CALL("both flags", setxattr("f", "trusted.one", "v", 1, XATTR_CREATE | XATTR_REPLACE));
	CALL("bad flag", setxattr("f", "trusted.one", "v", 1, 4));
	CALL("empty value", setxattr("f", "trusted.empty", "", 0, XATTR_CREATE));
	CALL("get it", getxattr("f", "trusted.empty", b, sizeof b));
	CALL("user", setxattr("f", "user.a", "v", 1, 0));
	CALL("security", setxattr("f", "security.a", "v", 1, 0));
	CALL("no namespace", setxattr("f", "nonsense", "v", 1, 0));
	CALL("unknown namespace", setxattr("f", "other.a", "v", 1, 0));
	CALL("namespace alone", setxattr("f", "trusted.", "v", 1, 0));
	CALL("empty name", setxattr("f", "", "v", 1, 0));
	memcpy(big, "trusted.", 8), memset(big + 8, 'n', 248), big[256] = 0;
	CALL("name of 256", setxattr("f", big, "v", 1, 0));
	big[255] = 0;
	CALL("name of 255", setxattr("f", big, "v", 1, 0));
	CALL("remove it", removexattr("f", big));
	CALL("value of 65537", setxattr("f", "trusted.big", big, 65537, 0));
	CALL("value of 65536", setxattr("f", "trusted.big", big, 65536, 0));
	CALL("remove", removexattr("f", "trusted.big"));
	CALL("remove again", removexattr("f", "trusted.big"));
	CALL("bad address", setxattr("f", "trusted.one", BAD_POINTER, 1, 0));
	CALL("bad name", setxattr("f", BAD_POINTER, "v", 1, 0));
	CALL("missing file", setxattr("missing", "trusted.one", "v", 1, 9));
	list("f");
	CALL("list size", listxattr("f", NULL, 0) > 0);
	CALL("list, no room", listxattr("f", b, 3));
	CALL("link itself", lsetxattr("l", "trusted.link", "v", 1, 0));
	CALL("user of a link", lsetxattr("l", "user.link", "v", 1, 0));
	CALL("get from a link", lgetxattr("l", "trusted.link", b, sizeof b));
	CALL("not from its target", getxattr("l", "trusted.link", b, sizeof b));
	CALL("of O_PATH", fgetxattr(open("f", O_PATH), "trusted.one", b, sizeof b));
	CALL("of a descriptor", fgetxattr(open("f", O_RDONLY), "trusted.one", b, sizeof b));
	CALL("of a read-only descriptor", fsetxattr(open("f", O_RDONLY), "trusted.two", "v", 1, 0));
	CALL("of a device", fgetxattr(0, "user.a", b, sizeof b));
	CALL("file capabilities that are none", setxattr("f", "security.capability", "v", 1, 0));
	unsigned caps[5] = { 0x02000000, 1, 0, 0, 0 };
	CALL("file capabilities", setxattr("f", "security.capability", caps, 20, 0));
	CALL("are read", getxattr("f", "security.capability", b, sizeof b));
	chown("f", 1, 1), chown("d", 1, 1);
	MUST(setresuid(1, 1, 1));
	CALL("trusted as a user", setxattr("f", "trusted.one", "v", 1, 0));
	CALL("reading it", getxattr("f", "trusted.one", b, sizeof b));
	CALL("reading it", getxattr("f", "security.a", b, sizeof b));
	list("f");
}
