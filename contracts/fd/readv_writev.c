// readv(2), writev(2): gathering, limits, errors, partial results.
#include "contract.h"

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	struct iovec v[3] = { { "abc", 3 }, { "", 0 }, { "defg", 4 } };
	CALL("writev", writev(fd, v, 3));
	char a[4] = "", b[8] = "";
	struct iovec r[2] = { { a, 3 }, { b, 7 } };
	lseek(fd, 0, SEEK_SET);
	CALL("readv", readv(fd, r, 2));
	FACT("'%s' '%s'", a, b);
	CALL("no parts", writev(fd, v, 0));
	CALL("negative count", writev(fd, v, -1));
	CALL("too many parts", writev(fd, v, 1025));
	struct iovec bad[2] = { { "x", 1 }, { BAD_POINTER, 5 } };
	CALL("bad second part", writev(fd, bad, 2));
	CALL("bad vector", writev(fd, BAD_POINTER, 1));
	struct iovec huge[2] = { { a, SSIZE_MAX }, { a, SSIZE_MAX } };
	CALL("negative length", readv(fd, (struct iovec[]){ { a, (size_t)-1 } }, 1));
	int p[2];
	pipe(p);
	CALL("to a pipe", writev(p[1], v, 3));
	CALL("from a pipe", readv(p[0], r, 2));
}
