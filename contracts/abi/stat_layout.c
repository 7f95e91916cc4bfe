// stat(2), statx(2), statfs(2): the bytes of the kernel's structures at their offsets, by the raw calls.
#include "contract.h"

static unsigned char b[512];
static unsigned long at(int offset, int size)
{
	unsigned long v = 0;
	memcpy(&v, b + offset, size);
	return v;
}
static int used(unsigned char fill)
{
	int n = sizeof b;
	while (n > 0 && b[n - 1] == fill)
		n--;
	return n;
}

int main(void)
{
	put_file("f", "0123456789");
	MUST(chmod("f", 0654));
	MUST(chown("f", 0x11223344, 0x55667788));
	link("f", "g");
	struct timespec t[2] = { { 1000000001, 111 }, { 2000000002, 222 } };
	utimensat(AT_FDCWD, "f", t, 0);
	memset(b, 0xa5, sizeof b);
	CALL("newfstatat", syscall(SYS_newfstatat, AT_FDCWD, "f", b, 0));
	FACT("size of the structure %d", used(0xa5));
#ifdef __x86_64__
	FACT("links@16 %lu mode@24 %lo uid@28 %lx gid@32 %lx padding@36 %lx", at(16, 8), at(24, 4), at(28, 4), at(32, 4), at(36, 4));
	FACT("rdev@40 %lu size@48 %lu blksize@56 %lu blocks@64 %lu", at(40, 8), at(48, 8), at(56, 8), at(64, 8));
#else
	FACT("mode@16 %lo links@20 %lu uid@24 %lx gid@28 %lx", at(16, 4), at(20, 4), at(24, 4), at(28, 4));
	FACT("rdev@32 %lu padding@40 %lx size@48 %lu blksize@56 %lu padding@60 %lx blocks@64 %lu", at(32, 8), at(40, 8), at(48, 8), at(56, 4),
	     at(60, 4), at(64, 8));
#endif
	FACT("atime@72 %lu.%lu mtime@88 %lu.%lu", at(72, 8), at(80, 8), at(88, 8), at(96, 8));
	FACT("ctime@104 is now: %d, the rest %lx", time(NULL) - (long)at(104, 8) < 5, at(120, 8));
	unsigned char first[144];
	memcpy(first, b, sizeof first);
	memset(b, 0x5a, sizeof b);
	int fd = open("f", O_RDONLY);
	syscall(SYS_fstat, fd, b);
	FACT("fstat says the same: %d", memcmp(first, b, used(0x5a)) == 0);
	memset(b, 0xa5, sizeof b);
	CALL("statx", syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, b));
	FACT("size %d, mask@0 has the basics %d, blksize@4 %lu", used(0xa5), (at(0, 4) & 0x7ff) == 0x7ff, at(4, 4));
	FACT("links@16 %lu uid@20 %lx gid@24 %lx mode@28 %lo size@40 %lu blocks@48 %lu", at(16, 4), at(20, 4), at(24, 4), at(28, 2), at(40, 8), at(48, 8));
	FACT("atime@64 %lu.%lu mtime@112 %lu.%lu", at(64, 8), at(72, 4), at(112, 8), at(120, 4));
	FACT("rdev@128 %lu:%lu, dev@136 as stat's %d", at(128, 4), at(132, 4), at(140, 4) == (first[0] & 0xff));
	memset(b, 0xa5, sizeof b);
	CALL("statfs", syscall(SYS_statfs, "/proc", b));
	FACT("size %d type@0 %lx bsize@8 %lu blocks@16 %lu namelen@64 %lu frsize@72 %lu", used(0xa5), at(0, 8), at(8, 8), at(16, 8), at(64, 8), at(72, 8));
}
