// pread(2), pwrite(2), preadv2(2): the offset stays; negative offsets; O_APPEND wins over pwrite's offset.
#include "contract.h"

int main(void)
{
	char b[16] = "";
	int fd = open("f", O_RDWR | O_CREAT, 0644), p[2];
	CALL("pwrite", pwrite(fd, "abcdef", 6, 4));
	CALL("offset", lseek(fd, 0, SEEK_CUR));
	CALL("pread", pread(fd, b, 3, 5));
	FACT("'%s'", b);
	CALL("negative", pread(fd, b, 1, -1));
	CALL("beyond the end", pread(fd, b, 1, 100));
	pipe(p);
	CALL("pread of a pipe", pread(p[0], b, 1, 0));
	CALL("pwrite of a pipe", pwrite(p[1], b, 1, 0));
	int a = open("f", O_WRONLY | O_APPEND);
	CALL("pwrite with O_APPEND at 0", pwrite(a, "Z", 1, 0));
	struct stat s;
	fstat(fd, &s);
	FACT("size %ld", (long)s.st_size);
	struct iovec v[2] = { { b, 2 }, { b + 8, 2 } };
	memset(b, 0, sizeof b);
	CALL("preadv", preadv(fd, v, 2, 4));
	FACT("'%s' '%s'", b, b + 8);
	CALL("preadv2 at -1 uses the offset", syscall(SYS_preadv2, fd, v, 2, -1L, -1L, 0));
	CALL("offset", lseek(fd, 0, SEEK_CUR));
	CALL("preadv2 with an unknown flag", syscall(SYS_preadv2, fd, v, 2, 0L, 0L, 0x1000));
}
