// mremap(2): shrinks, grows in place or by moving, keeps content; MREMAP_FIXED; errors.
#include "contract.h"

int main(void)
{
	size_t n = page();
	char *m = pages(4, PROT_READ | PROT_WRITE);
	for (int i = 0; i < 4; i++)
		m[i * n] = 'a' + i;
	char *s = mremap(m, 4 * n, 2 * n, 0);
	IS("shrinks in place", s == m);
	FAULTS("the rest is gone", m[2 * n]);
	mmap(m + 2 * n, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	OK("grow without room", (long)mremap(m, 2 * n, 8 * n, 0));
	char *g = mremap(m, 2 * n, 8 * n, MREMAP_MAYMOVE);
	IS("moves", g != m && g != MAP_FAILED);
	FACT("content %c %c then %d", g[0], g[n], g[7 * n]);
	FAULTS("the old place is gone", m[0]);
	char *to = pages(2, PROT_READ | PROT_WRITE);
	to[0] = 'T';
	IS("MREMAP_FIXED", mremap(g, 2 * n, 2 * n, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	FACT("content %c %c", to[0], to[n]);
	OK("fixed without maymove", (long)mremap(to, n, n, MREMAP_FIXED, g));
	OK("odd address", (long)mremap(to + 1, n, n, 0));
	OK("new size 0", (long)mremap(to, n, 0, 0));
	OK("nothing there", (long)mremap((void *)0x10000000, n, 2 * n, MREMAP_MAYMOVE));
	OK("overlapping", (long)mremap(to, 2 * n, 2 * n, MREMAP_MAYMOVE | MREMAP_FIXED, to + n));
	OK("bad flags", (long)mremap(to, n, n, 0x80));
	char *sh = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sh[0] = 5;
	char *twin = mremap(sh, 0, n, MREMAP_MAYMOVE);
	IS("old size 0 duplicates a shared mapping", twin != MAP_FAILED && twin[0] == 5);
}
