// msync(2): flags and unmapped ranges.
#include "contract.h"

int main(void)
{
	size_t n = page();
	char *m = pages(3, PROT_READ | PROT_WRITE);
	CALL("MS_SYNC", msync(m, n, MS_SYNC));
	CALL("MS_ASYNC and MS_SYNC", msync(m, n, MS_SYNC | MS_ASYNC));
	CALL("unknown flag", msync(m, n, 64));
	CALL("odd address", msync(m + 1, n, MS_SYNC));
	CALL("length 0", msync(m, 0, MS_SYNC));
	munmap(m + n, n);
	CALL("across a hole", msync(m, 3 * n, MS_ASYNC));
	CALL("MS_INVALIDATE", msync(m, n, MS_INVALIDATE));
}
