// mmap(2), mprotect(2): guard pages, MAP_GROWSDOWN, MAP_FIXED_NOREPLACE, MAP_STACK, holes, low addresses.
#include "contract.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
static char *map(void *at, int n, int prot, int flags)
{
	return mmap(at, n * page(), prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

int main(void)
{
	size_t n = page();
	char *p = map(NULL, 5, PROT_READ | PROT_WRITE, 0);
	mprotect(p + 2 * n, n, PROT_NONE);
	p[2 * n - 1] = p[3 * n] = 1;
	FAULTS("write to the guard", p[2 * n] = 1);
	FAULTS("read of the guard", *(volatile char *)(p + 3 * n - 1));
	CALL("a call reads it", write(1, p + 2 * n, 1));
	int q[2];
	pipe(q);
	CALL("up to it", write(q[1], p + n, 2 * n));
	CALL("read into it", read(q[0], p + 2 * n, 1));
	int left = -1;
	ioctl(q[0], FIONREAD, &left);
	FACT("nothing was lost: %d", left);
	CALL("MAP_FIXED_NOREPLACE on something", (long)map(p, 1, PROT_READ, MAP_FIXED_NOREPLACE));
	munmap(p + 4 * n, n);
	IS("where it is free", map(p + 4 * n, 1, PROT_READ, MAP_FIXED_NOREPLACE) == p + 4 * n);
	CALL("partly free", ({ munmap(p, n); (long)map(p, 2, PROT_READ, MAP_FIXED_NOREPLACE); }));
	CALL("at 0", (long)map(NULL, 1, PROT_READ, MAP_FIXED) == 0 ? 0 : -1);
	munmap(NULL, n);
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		CALL("at 0 by a user", (long)map(NULL, 1, PROT_READ, MAP_FIXED));
		IS("a hint of 1 page is raised", (unsigned long)map((void *)n, 1, PROT_READ, 0) > n);
	}
	REAP(pid);
	char *g = map(NULL, 200, PROT_NONE, 0);
	munmap(g, 200 * n);
	g = map(g + 198 * n, 2, PROT_READ | PROT_WRITE, MAP_GROWSDOWN | MAP_FIXED);
	FAULTS("below a growing mapping", *(volatile char *)(g - 1) = 1);
	g[-1] = 5;
	FACT("it grew: %d", g[-1]);
	char line[32];
	snprintf(line, sizeof line, "%lx-", (long)(g - n));
	IS("as maps says", strstr(get_file("/proc/self/maps"), line) != NULL);
	CALL("unaligned", (long)map(p + 1, 1, PROT_READ, MAP_FIXED));
	IS("MAP_STACK and MAP_NORESERVE", map(NULL, 1, PROT_READ, MAP_STACK | MAP_NORESERVE) != MAP_FAILED);
	OK("read-write without reserve: a terabyte", (long)mmap(NULL, 1ul << 40, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}
