// brk(2): grows zeroed memory, shrinks, returns the old break where it cannot.
#include "contract.h"

int main(void)
{
	char *start = (char *)syscall(SYS_brk, 0);
	size_t n = page();
	IS("there is one", start != NULL);
	IS("grow", (char *)syscall(SYS_brk, start + 3 * n) == start + 3 * n);
	int zero = 1;
	for (size_t i = 0; i < 3 * n; i++)
		zero &= start[i] == 0;
	IS("zero", zero);
	start[2 * n] = 9;
	IS("shrink", (char *)syscall(SYS_brk, start + n) == start + n);
	FAULTS("the rest is gone", start[2 * n]);
	syscall(SYS_brk, start + 3 * n);
	FACT("fresh again: %d", start[2 * n]);
	IS("below the start: unchanged", (char *)syscall(SYS_brk, start - 1) == start + 3 * n);
	IS("absurd: unchanged", (char *)syscall(SYS_brk, -1L) == start + 3 * n);
	struct rlimit r = { 0, RLIM_INFINITY };
	setrlimit(RLIMIT_DATA, &r);
	IS("above RLIMIT_DATA: unchanged", (char *)syscall(SYS_brk, start + 100 * n) == start + 3 * n);
	pid_t pid;
	CHILD(pid) { IS("inherited", (char *)syscall(SYS_brk, 0) == start + 3 * n); }
	REAP(pid);
}
