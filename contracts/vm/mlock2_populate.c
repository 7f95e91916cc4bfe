// mlock2(2), mlockall(2), munlockall(2): on fault, future mappings, inheritance, counts.
#include "contract.h"

static long locked(void) { return atol(line_of(get_file("/proc/self/status"), "VmLck:")) * 1024 / (long)page(); }
static int present(char *p, int n)
{
	unsigned char v[64];
	mincore(p, n * page(), v);
	int c = 0;
	for (int i = 0; i < n; i++)
		c += v[i] & 1;
	return c;
}

int main(void)
{
	size_t n = page();
	locked();
	char *p = pages(8, PROT_READ | PROT_WRITE);
	CALL("mlock2", syscall(SYS_mlock2, p, 4 * n, 0));
	FACT("present %d locked %ld", present(p, 8), locked());
	CALL("MLOCK_ONFAULT", syscall(SYS_mlock2, p + 4 * n, 4 * n, 1));
	FACT("present %d locked %ld", present(p, 8), locked());
	p[6 * n] = 1;
	FACT("touched: present %d", present(p, 8));
	CALL("MADV_DONTNEED of locked memory", madvise(p, n, MADV_DONTNEED));
	CALL("bad flags", syscall(SYS_mlock2, p, n, 2));
	CALL("twice does not add", mlock(p, 4 * n));
	FACT("locked %ld", locked());
	CALL("part of a page", munlock(p + 10, 1));
	FACT("locked %ld", locked());
	pid_t pid;
	CHILD(pid) { FACT("a child's are not locked: %ld", locked()); }
	REAP(pid);
	CALL("munmap unlocks", munmap(p, 4 * n));
	FACT("locked %ld", locked());
	char *q = mremap(p + 4 * n, 4 * n, 6 * n, MREMAP_MAYMOVE);
	FACT("mremap keeps it: locked %ld", locked());
	CALL("munlockall", munlockall());
	FACT("locked %ld", locked());
	CALL("mlockall future", mlockall(MCL_FUTURE));
	char *f = pages(3, PROT_READ | PROT_WRITE);
	FACT("a new mapping: present %d locked %ld", present(f, 3), locked());
	char *none = pages(3, PROT_NONE);
	FACT("PROT_NONE counts: locked %ld", locked());
	CALL("mlock of PROT_NONE", mlock(none, n));
	munlockall();
	CALL("future on fault", mlockall(MCL_FUTURE | 4));
	f = pages(3, PROT_READ | PROT_WRITE);
	FACT("present %d", present(f, 3));
	munlockall();
	f = pages(3, PROT_READ | PROT_WRITE);
	FACT("afterwards none: locked %ld", locked());
	CALL("no flags", mlockall(0));
	CALL("on fault alone", mlockall(4));
	CALL("a bad flag", mlockall(8));
	CALL("a hole", ({ munmap(f + n, n); mlock(f, 3 * n); }));
}
