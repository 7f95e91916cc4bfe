// lseek(2): whence, limits, holes (SEEK_DATA, SEEK_HOLE), pipes.
#include "contract.h"

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644), p[2];
	write(fd, "0123456789", 10);
	CALL("SEEK_SET", lseek(fd, 3, SEEK_SET));
	CALL("SEEK_CUR", lseek(fd, -2, SEEK_CUR));
	CALL("SEEK_END", lseek(fd, 5, SEEK_END));
	CALL("before the start", lseek(fd, -1, SEEK_SET));
	CALL("overflow", lseek(fd, LLONG_MAX, SEEK_END));
	CALL("bad whence", lseek(fd, 0, 9));
	CALL("offset unchanged by errors", lseek(fd, 0, SEEK_CUR));
	CALL("write after a gap", write(fd, "x", 1));
	char b[20] = "";
	FACT("read %zd", pread(fd, b, 20, 0));
	IS("the gap reads as zeros", b[12] == 0 && b[15] == 'x');
	CALL("SEEK_DATA", lseek(fd, 0, SEEK_DATA));
	CALL("SEEK_HOLE", lseek(fd, 0, SEEK_HOLE));
	CALL("SEEK_DATA at the end", lseek(fd, 16, SEEK_DATA));
	CALL("SEEK_HOLE beyond", lseek(fd, 100, SEEK_HOLE));
	pipe(p);
	CALL("pipe", lseek(p[0], 0, SEEK_SET));
	CALL("nothing", lseek(99, 0, SEEK_SET));
	CALL("/dev/null", lseek(open("/dev/null", O_RDONLY), 100, SEEK_SET));
	CALL("O_PATH", lseek(open("f", O_PATH), 0, SEEK_SET));
}
