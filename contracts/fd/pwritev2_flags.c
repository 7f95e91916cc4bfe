// preadv(2), pwritev(2), preadv2(2), pwritev2(2): offsets, offset -1, RWF_ flags, errors; the raw calls' split offset.
#include "contract.h"

static int fd;
static long pw2(const char *text, long offset, int flags)
{
	struct iovec v[2] = { { (char *)text, 1 }, { (char *)text + 1, strlen(text) - 1 } };
	return syscall(SYS_pwritev2, fd, v, 2, offset, 0, flags);
}
static long pr2(char *b, long n, long offset, int flags)
{
	struct iovec v = { b, n };
	return syscall(SYS_preadv2, fd, &v, 1, offset, 0, flags);
}

int main(void)
{
	char b[32] = "";
	fd = open("f", O_CREAT | O_RDWR, 0644);
	struct iovec v[2] = { { "0123", 4 }, { "456789", 6 } };
	CALL("pwritev", pwritev(fd, v, 2, 5));
	CALL("the offset stays", lseek(fd, 0, SEEK_CUR));
	struct iovec r[2] = { { b, 3 }, { b + 3, 20 } };
	CALL("preadv", preadv(fd, r, 2, 4));
	FACT("%d '%s'", b[0], b + 1);
	CALL("pwritev2 at -1 uses the offset", pw2("abc", -1, 0));
	CALL("which moves", lseek(fd, 0, SEEK_CUR));
	CALL("preadv2 at -1", pr2(b, 4, -1, 0));
	CALL("moves too", lseek(fd, 0, SEEK_CUR));
	CALL("RWF_APPEND", pw2("END", 0, 0x10));
	CALL("size", lseek(fd, 0, SEEK_END));
	CALL("RWF_DSYNC", pw2("sync", 0, 2));
	CALL("RWF_HIPRI", pr2(b, 4, 0, 1));
	CALL("an unknown flag", pr2(b, 4, 0, 0x100));
	CALL("RWF_APPEND of a read", pr2(b, 4, 0, 0x10));
	CALL("a negative offset", pr2(b, 4, -2, 0));
	CALL("no vectors", syscall(SYS_pwritev2, fd, v, 0, 0L, 0L, 0));
	CALL("too many vectors", syscall(SYS_preadv, fd, v, 1025, 0L, 0L));
	int p[2];
	pipe(p);
	CALL("pwritev to a pipe", pwritev(p[1], v, 2, 0));
	fd = p[1];
	CALL("pwritev2 at -1 to a pipe", pw2("xyz", -1, 0));
	fd = p[0];
	CALL("preadv2 at -1 of a pipe", pr2(b, 8, -1, 0));
	fd = open("f", O_RDONLY);
	CALL("write to a read-only descriptor", pw2("no", 0, 0));
	CALL("pread64 beyond the end", pread(fd, b, 4, 1000));
	CALL("pread64 negative", pread(fd, b, 4, -1));
	CALL("pwrite64 to a read-only descriptor", pwrite(fd, b, 4, 0));
	fd = open("f", O_WRONLY | O_APPEND);
	CALL("O_APPEND and an offset", pw2("tail", 0, 0));
	struct stat st;
	fstat(fd, &st);
	FACT("size %d", (int)st.st_size);
}
