// statx(2): what it tells, and errors.
#include "contract.h"
#include <linux/stat.h>

int main(void)
{
	struct statx x;
	put_file("f", "12345");
	CALL("statx", syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, &x));
	FACT("basic %d size %llu mode %o links %u", (x.stx_mask & 0x7ff) == 0x7ff, (unsigned long long)x.stx_size, x.stx_mode, x.stx_nlink);
	struct stat s;
	stat("f", &s);
	IS("inode", x.stx_ino == s.st_ino);
	IS("mtime", x.stx_mtime.tv_nsec == s.st_mtim.tv_nsec && x.stx_mtime.tv_sec == s.st_mtim.tv_sec);
	CALL("mask 0", syscall(SYS_statx, AT_FDCWD, "f", 0, 0, &x));
	CALL("reserved mask bit", syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000, &x));
	CALL("bad flags", syscall(SYS_statx, AT_FDCWD, "f", 0x10, 0, &x));
	CALL("both sync flags", syscall(SYS_statx, AT_FDCWD, "f", 0x6000, 0, &x));
	CALL("missing", syscall(SYS_statx, AT_FDCWD, "missing", 0, 0, &x));
	CALL("bad address", syscall(SYS_statx, AT_FDCWD, "f", 0, 0, BAD_POINTER));
	CALL("empty path", syscall(SYS_statx, open("f", O_RDONLY), "", AT_EMPTY_PATH, 0x7ff, &x));
}
