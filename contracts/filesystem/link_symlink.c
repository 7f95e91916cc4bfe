// link(2), symlink(2), readlink(2), linkat(2).
#include "contract.h"

int main(void)
{
	put_file("f", "x");
	mkdir("d", 0755);
	char b[64];
	CALL("symlink", symlink("f", "l"));
	CALL("taken", symlink("f", "l"));
	CALL("empty target", symlink("", "e"));
	CALL("readlink", readlink("l", b, 64));
	CALL("readlink of a file", readlink("f", b, 64));
	CALL("readlink into nothing", syscall(SYS_readlinkat, AT_FDCWD, "l", b, 0));
	symlink("a-long-target", "long");
	CALL("cut off", readlink("long", b, 5));
	CALL("link to a directory", link("d", "dl"));
	CALL("link taken", link("f", "l"));
	CALL("link of a link is a link to the link", link("l", "l2"));
	struct stat s;
	lstat("l2", &s);
	FACT("is a link %d, links %d", S_ISLNK(s.st_mode), (int)s.st_nlink);
	CALL("linkat AT_SYMLINK_FOLLOW", linkat(AT_FDCWD, "l", AT_FDCWD, "h", AT_SYMLINK_FOLLOW));
	lstat("h", &s);
	FACT("is a file %d, links %d", S_ISREG(s.st_mode), (int)s.st_nlink);
	int t = open(".", O_TMPFILE | O_RDWR, 0644);
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", t);
	CALL("a nameless file gets a name", linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	int deep = 0;
	char from[8], to[8];
	for (int i = 0; i < 45; i++) {
		snprintf(from, 8, "s%d", i);
		snprintf(to, 8, i ? "s%d" : "f", i - 1);
		symlink(to, from);
		deep += access(from, F_OK) == 0;
	}
	FACT("links followed in a row: %d", deep);
	CALL("one more", access("s44", F_OK));
}
