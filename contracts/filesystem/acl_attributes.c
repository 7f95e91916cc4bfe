// acl(5), xattr(7): system.posix_acl_access and system.posix_acl_default: what values they take, what they do to the mode and it to them.
#include "contract.h"
#include "acl.h"

#define NAMED "u::rw-,u:1000:rwx,g::r--,m::rwx,o::---"

static void raw(const char *what, const void *value, size_t size) { CALL(what, setxattr("f", ACCESS_LIST, value, size, 0)); }
static void wrong(const char *text)
{
	CALL(text, acl_set("f", ACCESS_LIST, text));
}

int main(void)
{
	char list[256];
	umask(022);
	put_file("f", "");
	mkdir("d", 0755);
	symlink("f", "link");
	mkfifo("p", 0644);
	acl_show("new", "f");

	CALL("set", acl_set("f", ACCESS_LIST, NAMED));
	acl_show("f", "f");
	CALL("size", getxattr("f", ACCESS_LIST, NULL, 0));
	CALL("short buffer", getxattr("f", ACCESS_LIST, list, 8));
	CALL("list", listxattr("f", list, sizeof list));
	FACT("'%s'", list);
	setxattr("f", "trusted.a", "1", 1, 0);
	CALL("list", listxattr("f", list, sizeof list));
	FACT("'%s' '%s'", list, list + strlen(list) + 1);
	struct acl a;
	int size = acl_parse(NAMED, &a);
	CALL("create what is there", setxattr("f", ACCESS_LIST, &a, size, XATTR_CREATE));
	CALL("chmod 0640", chmod("f", 0640));
	acl_show("f", "f");
	CALL("chmod 0701", chmod("f", 0701));
	acl_show("f", "f");
	CALL("chmod 06770", chmod("f", 06770));
	acl_show("f", "f");
	CALL("one that the mode can say", acl_set("f", ACCESS_LIST, "u::r-x,g::-w-,o::--x"));
	acl_show("f", "f");
	CALL("a mask without names", acl_set("f", ACCESS_LIST, "u::r-x,g::rwx,m::r--,o::--x"));
	acl_show("f", "f");
	CALL("remove", removexattr("f", ACCESS_LIST));
	acl_show("f", "f");
	CALL("remove again", removexattr("f", ACCESS_LIST));
	CALL("replace what is not there", setxattr("f", ACCESS_LIST, &a, size, XATTR_REPLACE));
	acl_show("f", "f");
	raw("no entries", &a, 4);
	acl_show("f", "f");

	raw("empty", "", 0);
	raw("three bytes", &a, 3);
	raw("an entry and a half", &a, 16);
	a.version = 1;
	raw("version 1", &a, size);
	a.version = 2;
	a.e[1].tag = 3;
	raw("tag 3", &a, size);
	a.e[1].tag = 2, a.e[1].id = -1;
	raw("user -1", &a, size);
	a.e[1].id = 1000, a.e[0].id = 7, a.e[0].perm = 6;
	raw("an owner with an id", &a, size);
	acl_show("f", "f");
	a.e[0].perm = 8;
	raw("permission 8", &a, size);
	wrong("u::rw-");
	wrong("u::rw-,g::rw-");
	wrong("g::rw-,u::rw-,o::rw-");
	wrong("u::rw-,u:1:rw-,g::rw-,o::rw-");
	wrong("u::rw-,g::rw-,u:1:rw-,m::rw-,o::rw-");
	wrong("u::rw-,g::rw-,o::rw-,m::rw-");
	wrong("u::rw-,u::rw-,g::rw-,o::rw-");
	wrong("u::rw-,u:5:rw-,u:5:r--,u:3:r--,g::rw-,g:9:rw-,g:8:---,m::rw-,o::rw-");
	acl_show("f", "f");

	CALL("default of a file", acl_set("f", DEFAULT_LIST, NAMED));
	CALL("wrong default of a file", acl_set("f", DEFAULT_LIST, "u::rw-"));
	CALL("remove it", removexattr("f", DEFAULT_LIST));
	CALL("default of a directory", acl_set("d", DEFAULT_LIST, "u::rw-,g::r--,o::---"));
	acl_show("d", "d");
	CALL("list", listxattr("d", list, sizeof list));
	FACT("'%s'", list);
	CALL("chmod leaves it", chmod("d", 0711));
	acl_show("d", "d");
	CALL("remove", removexattr("d", DEFAULT_LIST));
	acl_show("d", "d");
	CALL("of a fifo", acl_set("p", ACCESS_LIST, NAMED));
	acl_show("p", "p");
	size = acl_parse(NAMED, &a);
	CALL("of a link", lsetxattr("link", ACCESS_LIST, &a, size, 0));
	CALL("of a link", lgetxattr("link", ACCESS_LIST, &a, sizeof a));
	CALL("another name", setxattr("f", "system.posix_acl", &a, size, 0));
	CALL("another name", getxattr("f", "system.posix_acl", &a, size));
	CALL("procfs", getxattr("/proc/version", ACCESS_LIST, &a, size));
	CALL("procfs", setxattr("/proc/version", ACCESS_LIST, &a, size, 0));

	struct stat st;
	put_file("g", "");
	chown("g", 1000, 2000);
	chmod("g", 02770);
	CALL("set", acl_set("g", ACCESS_LIST, NAMED));
	pid_t pid;
	CHILD(pid)
	{
		MUST(setresgid(1000, 1000, 1000));
		MUST(setresuid(1000, 1000, 1000));
		CALL("by the owner", acl_set("g", ACCESS_LIST, "u::rw-,g::r--,o::r--"));
		stat("g", &st);
		FACT("not in the group: %04o", st.st_mode & 07777);
		CALL("by somebody else", acl_set("f", ACCESS_LIST, NAMED));
		CALL("by somebody else", removexattr("f", ACCESS_LIST));
		FACT("read by somebody else: %s", acl_text("f", ACCESS_LIST));
	}
	REAP(pid);
	int fd = open("g", O_RDONLY);
	CALL("fsetxattr", fsetxattr(fd, ACCESS_LIST, &a, acl_parse(NAMED, &a), 0));
	CALL("fgetxattr", fgetxattr(fd, ACCESS_LIST, &a, sizeof a));
	CALL("fremovexattr", fremovexattr(fd, ACCESS_LIST));
	CALL("fgetxattr", fgetxattr(fd, ACCESS_LIST, &a, sizeof a));
	CALL("set", acl_set("f", ACCESS_LIST, NAMED));
	CALL("chown", chown("f", 5, 6));
	acl_show("chown keeps it", "f");
}
