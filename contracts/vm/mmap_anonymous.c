// mmap(2): anonymous memory is zero, private or shared across fork; a hint is taken where free; MAP_FIXED replaces.
#include "contract.h"

int main(void)
{
	size_t n = page();
	char *a = pages(4, PROT_READ | PROT_WRITE);
	int zero = 1;
	for (size_t i = 0; i < 4 * n; i++)
		zero &= a[i] == 0;
	IS("zero", zero);
	memset(a, 1, 4 * n);
	munmap(a + n, n);
	FAULTS("the hole", a[n]);
	FACT("neighbours %d %d", a[n - 1], a[2 * n]);
	char *h = mmap(a + n, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	IS("a hint to a free place is taken", h == a + n);
	FACT("fresh %d", h[0]);
	char *f = mmap(a + 2 * n, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	IS("MAP_FIXED", f == a + 2 * n);
	FACT("replaced by zeros: %d, after it: %d", f[0], a[3 * n]);
	IS("an odd hint is rounded", ((uintptr_t)mmap(a + 5, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) % n) == 0);
	char *s = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *p = pages(1, PROT_READ | PROT_WRITE);
	pid_t pid;
	CHILD(pid) { s[0] = p[0] = 7; }
	REAP(pid);
	FACT("shared %d private %d", s[0], p[0]);
	CHILD(pid) { munmap(s, n); }
	REAP(pid);
	FACT("after the child unmapped it: %d", s[0]);
	OK("length is rounded up", (long)(p = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	p[n - 1] = 1;
	FACT("last byte of the page %d", p[n - 1]);
}
