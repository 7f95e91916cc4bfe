// futex(2): a word in shared memory works between processes, by any mapping of it; a private one does not.
#include "contract.h"

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	ftruncate(fd, page());
	_Atomic int *w = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid_t pid;
	CHILD(pid)
	{
		_Atomic int *other = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		while (*other == 0)
			CALL("wait", syscall(SYS_futex, other, 0, 0, NULL, NULL, 0));
		FACT("child sees %d", *other);
	}
	asleep(pid);
	*w = 8;
	long woken = syscall(SYS_futex, w, 1, 1, NULL, NULL, 0);
	REAP(pid);
	FACT("woken in another process: %ld", woken);
	_Atomic int *priv = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHILD(pid)
	{
		struct timespec t = { 0, 100000000 };
		CALL("wait on private memory", syscall(SYS_futex, priv, 0, 0, &t, NULL, 0));
	}
	asleep(pid);
	woken = syscall(SYS_futex, priv, 1, 1, NULL, NULL, 0);
	REAP(pid);
	FACT("woken by the parent through private memory: %ld", woken);
}
