// lgetxattr(2), llistxattr(2), lremovexattr(2), fsetxattr(2), flistxattr(2), fremovexattr(2): links and descriptors.
#include "contract.h"
#include <sys/xattr.h>

int main(void)
{
	char b[64] = "";
	put_file("f", "");
	symlink("f", "s");
	symlink("nothing", "dangling");
	mkfifo("p", 0644);
	mkdir("d", 0755);
	CALL("lsetxattr", lsetxattr("s", "trusted.l", "link", 4, 0));
	CALL("lgetxattr", lgetxattr("s", "trusted.l", b, sizeof b));
	CALL("getxattr follows", getxattr("s", "trusted.l", b, sizeof b));
	CALL("llistxattr", llistxattr("s", b, sizeof b));
	FACT("'%s'", b);
	CALL("lremovexattr", lremovexattr("s", "trusted.l"));
	CALL("llistxattr", llistxattr("s", b, sizeof b));
	CALL("of a dangling link", lsetxattr("dangling", "trusted.x", "x", 1, 0));
	CALL("through it", setxattr("dangling", "trusted.x", "x", 1, 0));
	int fd = open("f", O_RDONLY);
	CALL("fsetxattr of a read-only descriptor", fsetxattr(fd, "trusted.f", "file", 4, 0));
	CALL("fgetxattr", fgetxattr(fd, "trusted.f", b, sizeof b));
	CALL("seen by name", getxattr("f", "trusted.f", b, sizeof b));
	CALL("flistxattr", flistxattr(fd, b, sizeof b));
	CALL("fremovexattr", fremovexattr(fd, "trusted.f"));
	CALL("fgetxattr", fgetxattr(fd, "trusted.f", b, sizeof b));
	CALL("a fifo", setxattr("p", "trusted.p", "p", 1, 0));
	CALL("a directory", setxattr("d", "trusted.d", "d", 1, 0));
	CALL("user on a fifo", setxattr("p", "user.p", "p", 1, 0));
	CALL("user on a link", lsetxattr("s", "user.s", "s", 1, 0));
	int q[2];
	pipe(q);
	CALL("a pipe", fsetxattr(q[0], "trusted.x", "x", 1, 0));
	CALL("listing a pipe's", flistxattr(q[0], b, sizeof b));
	CALL("a closed descriptor", fgetxattr(99, "trusted.x", b, sizeof b));
	CALL("bad name pointer", getxattr("f", BAD_POINTER, b, sizeof b));
	CALL("bad value pointer", setxattr("f", "trusted.x", BAD_POINTER, 4, 0));
	setxattr("f", "trusted.x", "x", 1, 0);
	CALL("bad buffer", getxattr("f", "trusted.x", BAD_POINTER, 4));
	link("f", "hard");
	CALL("links share them", getxattr("hard", "trusted.x", b, sizeof b));
	rename("f", "g");
	CALL("a rename keeps them", getxattr("g", "trusted.x", b, sizeof b));
	CALL("ACL of a tmpfs", setxattr("g", "system.posix_acl_access", "\2\0\0\0\1\0\6\0\377\377\377\377\4\0\4\0\377\377\377\377\40\0\4\0\377\377\377\377", 28, 0));
}
