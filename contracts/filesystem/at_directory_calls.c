// openat(2), mkdirat(2), mknodat(2), symlinkat(2), linkat(2), renameat(2), unlinkat(2), fchmodat(2): names relative to a directory.
#include "contract.h"

int main(void)
{
	struct stat st;
	char b[16] = "";
	mkdir("d", 0755);
	put_file("file", "");
	int d = open("d", O_RDONLY | O_DIRECTORY), f = open("file", O_RDONLY);
	CALL("mkdirat", mkdirat(d, "sub", 0750));
	CALL("mknodat of a fifo", mknodat(d, "fifo", S_IFIFO | 0640, 0));
	CALL("symlinkat", symlinkat("../file", d, "link"));
	CALL("linkat into it", linkat(AT_FDCWD, "file", d, "hard", 0));
	CALL("renameat out of it", renameat(d, "fifo", AT_FDCWD, "out"));
	CALL("renameat within", renameat(d, "sub", d, "sub2"));
	FACT("%d %d %d %d", access("d/sub2", F_OK), access("out", F_OK), access("d/hard", F_OK), access("d/sub", F_OK));
	CALL("readlinkat", readlinkat(d, "link", b, sizeof b));
	CALL("fstatat of the link", fstatat(d, "link", &st, AT_SYMLINK_NOFOLLOW));
	FACT("it is a link %d", S_ISLNK(st.st_mode));
	CALL("fchmodat", fchmodat(d, "sub2", 0700, 0));
	CALL("fchownat", fchownat(d, "sub2", 5, 6, 0));
	fstatat(d, "sub2", &st, 0);
	FACT("mode %o owner %d %d", st.st_mode & 0777, st.st_uid, st.st_gid);
	CALL("faccessat", faccessat(d, "sub2", F_OK, 0));
	CALL("utimensat", utimensat(d, "sub2", NULL, 0));
	CALL("unlinkat of a directory", unlinkat(d, "sub2", 0));
	CALL("AT_REMOVEDIR", unlinkat(d, "sub2", AT_REMOVEDIR));
	CALL("AT_REMOVEDIR of a file", unlinkat(d, "hard", AT_REMOVEDIR));
	CALL("unlinkat: bad flags", unlinkat(d, "hard", 1));
	const int bad[] = { -1, 99, f };
	const char *names[] = { "descriptor -1", "a closed descriptor", "a file's descriptor" };
	for (int i = 0; i < 3; i++) {
		char text[256] = "";
#define TRY(call) (errno = 0, (call), sprintf(text + strlen(text), " %s", errno_name(errno)))
		TRY(mkdirat(bad[i], "x", 0755));
		TRY(mknodat(bad[i], "x", S_IFIFO, 0));
		TRY(symlinkat("t", bad[i], "x"));
		TRY(linkat(bad[i], "x", AT_FDCWD, "y", 0));
		TRY(renameat(bad[i], "x", AT_FDCWD, "y"));
		TRY(renameat(AT_FDCWD, "file", bad[i], "y"));
		TRY(unlinkat(bad[i], "x", 0));
		TRY(fstatat(bad[i], "x", &st, 0));
		TRY(fchmodat(bad[i], "x", 0, 0));
		FACT("%s:%s", names[i], text);
	}
	char here[PATH_MAX], absolute[PATH_MAX + 8];
	getcwd(here, sizeof here);
	snprintf(absolute, sizeof absolute, "%s/abs", here);
	CALL("an absolute name and a bad descriptor", mkdirat(-1, absolute, 0755));
	rmdir("abs");
	unlinkat(d, "hard", 0);
	unlinkat(d, "link", 0);
	rmdir("d");
	CALL("in a removed directory: mkdirat", mkdirat(d, "x", 0755));
	CALL("symlinkat", symlinkat("t", d, "x"));
	CALL("renameat", renameat(AT_FDCWD, "file", d, "x"));
	CALL("fstatat of .", fstatat(d, ".", &st, 0));
}
