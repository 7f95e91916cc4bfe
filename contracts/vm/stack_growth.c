// mmap(2), getrlimit(2): the main stack grows on demand to its limit; far below it faults.
#include "contract.h"

static int deep(int n)
{
	volatile char use[4096];
	use[0] = n;
	return n == 0 ? 0 : deep(n - 1) + (use[0] == (char)n);
}

int main(void)
{
	FACT("grown by 2 MiB: %d", deep(500) == 500);
	struct rlimit r = { 1 << 20, RLIM_INFINITY };
	pid_t pid;
	CHILD(pid)
	{
		setrlimit(RLIMIT_STACK, &r);
		deep(2000);
	}
	ENDED("beyond the limit", pid);
	char here;
	FAULTS("16 MiB below", *(volatile char *)(&here - (16 << 20)));
}
