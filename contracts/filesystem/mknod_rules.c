// mknod(2), mkdir(2), O_TMPFILE and linkat(2) of descriptors: types, devices, nameless files.
#include "contract.h"
#include <sys/sysmacros.h>

int main(void)
{
	struct stat s;
	umask(0);
	CALL("no type", mknod("r", 0600, 0));
	stat("r", &s);
	FACT("is regular: %o", s.st_mode);
	CALL("directory", mknod("d", S_IFDIR | 0755, 0));
	CALL("link", mknod("l", S_IFLNK | 0755, 0));
	CALL("bad type", mknod("x", 0150000, 0));
	CALL("bad type, missing directory", mknod("none/x", 0150000, 0));
	CALL("socket", mknod("s", S_IFSOCK | 0755, 0));
	CALL("open of it", open("s", O_RDWR));
	CALL("device", mknod("c", S_IFCHR | 0644, makedev(300, 70000)));
	stat("c", &s);
	FACT("%u:%u", major(s.st_rdev), minor(s.st_rdev));
	CALL("open without a driver", open("c", O_RDONLY));
	CALL("block", mknod("b", S_IFBLK | 0644, makedev(300, 1)));
	CALL("open without a driver", open("b", O_RDONLY));
	CALL("null", mknod("n", S_IFCHR | 0666, makedev(1, 3)));
	CALL("open", open("n", O_RDWR) >= 0);
	CALL("taken", mknod("n", S_IFIFO | 0666, 0));
	CALL("mkdir 07777", mkdir("d", 07777));
	stat("d", &s);
	FACT("%o", s.st_mode);
	int t = open("d", O_TMPFILE | O_RDWR, 04640);
	fstat(t, &s);
	FACT("nameless: mode %o links %d", s.st_mode, (int)s.st_nlink);
	CALL("named", linkat(t, "", AT_FDCWD, "t", AT_EMPTY_PATH));
	fstat(t, &s);
	FACT("links %d", (int)s.st_nlink);
	unlink("t");
	CALL("not a second time", linkat(t, "", AT_FDCWD, "t", AT_EMPTY_PATH));
	t = open("d", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	CALL("O_EXCL is never named", linkat(t, "", AT_FDCWD, "t", AT_EMPTY_PATH));
	CALL("O_TMPFILE in a file", open("r", O_TMPFILE | O_RDWR, 0600));
	CALL("O_TMPFILE with O_CREAT", open("d", O_TMPFILE | O_RDWR | O_CREAT, 0600));
	CALL("linkat of a directory", linkat(open("d", O_PATH), "", AT_FDCWD, "dd", AT_EMPTY_PATH));
	CALL("bad flags", linkat(t, "", AT_FDCWD, "t", AT_EMPTY_PATH | 1));
	CALL("empty without the flag", linkat(t, "", AT_FDCWD, "t", 0));
	CALL("whiteout", syscall(SYS_renameat2, AT_FDCWD, "r", AT_FDCWD, "moved", 4));
	stat("r", &s);
	FACT("mode %o rdev %d", s.st_mode, (int)s.st_rdev);
	CALL("whiteout with exchange", syscall(SYS_renameat2, AT_FDCWD, "r", AT_FDCWD, "moved", 6));
	CALL("creat", creat("r2", 0444) >= 0);
	stat("r2", &s);
	FACT("%o", s.st_mode);
}
