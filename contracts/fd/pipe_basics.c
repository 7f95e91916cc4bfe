// pipe(2), pipe2(2), pipe(7): numbers, flags, end of file, capacity, atomic writes.
#include "contract.h"

int main(void)
{
	int p[2];
	char b[64];
	CALL("pipe", pipe(p));
	FACT("%d %d", p[0], p[1]);
	CALL("write", write(p[1], "abc", 3));
	CALL("another", write(p[1], "def", 3));
	int n = -1;
	CALL("FIONREAD", ioctl(p[0], FIONREAD, &n));
	FACT("%d", n);
	CALL("read joins writes", read(p[0], b, 64));
	CALL("read of the write end", read(p[1], b, 1));
	CALL("write to the read end", write(p[0], b, 1));
	close(p[1]);
	CALL("end of file", read(p[0], b, 1));
	CALL("bad flags", pipe2(p, O_APPEND));
	CALL("bad address", syscall(SYS_pipe2, BAD_POINTER, 0));
	CALL("pipe2", pipe2(p, O_NONBLOCK | O_CLOEXEC));
	FACT("close-on-exec %d, nonblock %d", fcntl(p[0], F_GETFD), !!(fcntl(p[1], F_GETFL) & O_NONBLOCK));
	CALL("empty", read(p[0], b, 1));
	CALL("capacity", fcntl(p[0], F_GETPIPE_SZ));
	char *big = calloc(1, 70000);
	CALL("a write above the capacity", write(p[1], big, 70000));
	CALL("full", write(p[1], "x", 1));
	CALL("a smaller capacity than content", fcntl(p[1], F_SETPIPE_SZ, 4096));
	CALL("read a page", read(p[0], big, 4096));
	CALL("an atomic write that does not fit", write(p[1], big, 4096 + 1));
	CALL("grow", fcntl(p[1], F_SETPIPE_SZ, 100000));
	struct stat s;
	fstat(p[0], &s);
	FACT("fifo %d mode %o size %ld", S_ISFIFO(s.st_mode), s.st_mode & 07777, (long)s.st_size);
}
