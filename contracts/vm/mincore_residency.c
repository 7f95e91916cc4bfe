// mincore(2): which pages are there; errors.
#include "contract.h"

int main(void)
{
	size_t n = page();
	char *m = pages(4, PROT_READ | PROT_WRITE);
	unsigned char v[8];
	m[0] = m[2 * n] = 1;
	CALL("mincore", mincore(m, 4 * n, v));
	FACT("%d %d %d %d", v[0] & 1, v[1] & 1, v[2] & 1, v[3] & 1);
	madvise(m, n, MADV_DONTNEED);
	mincore(m, n, v);
	FACT("after MADV_DONTNEED %d", v[0] & 1);
	CALL("odd address", mincore(m + 1, n, v));
	munmap(m + n, n);
	CALL("across a hole", mincore(m, 3 * n, v));
	CALL("bad vector", mincore(m, n, BAD_POINTER));
	CALL("length 0", mincore(m, 0, v));
}
