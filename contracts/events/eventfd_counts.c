// eventfd(2): counting, semaphore mode, limits, blocking.
#include "contract.h"

int main(void)
{
	uint64_t n = 0, max = UINT64_MAX - 1, over = UINT64_MAX;
	CALL("bad flags", eventfd(0, 2));
	int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
	CALL("read", read(fd, &n, 8));
	FACT("%llu", (unsigned long long)n);
	CALL("empty", read(fd, &n, 8));
	n = 5;
	write(fd, &n, 8);
	write(fd, &n, 8);
	read(fd, &n, 8);
	FACT("sum %llu", (unsigned long long)n);
	CALL("short read", read(fd, &n, 4));
	CALL("short write", write(fd, &n, 4));
	CALL("write of the largest", write(fd, &max, 8));
	n = 1;
	CALL("one more", write(fd, &n, 8));
	CALL("all ones", write(fd, &over, 8));
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	FACT("full: in %d out %d", !!(p.revents & POLLIN), !!(p.revents & POLLOUT));
	int s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	CALL("semaphore", read(s, &n, 8));
	FACT("%llu", (unsigned long long)n);
	CALL("semaphore", read(s, &n, 8));
	CALL("semaphore", read(s, &n, 8));
	int b = eventfd(0, 0);
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		asleep(parent);
		n = 9;
		write(b, &n, 8);
	}
	CALL("a reader waits", read(b, &n, 8));
	FACT("%llu", (unsigned long long)n);
	REAP(pid);
	CALL("lseek", lseek(b, 0, SEEK_SET));
}
