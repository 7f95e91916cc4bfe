// getrusage(2), mincore(2), mmap(2): minor faults come once a page, MAP_POPULATE and MADV_POPULATE bring them ahead; copies.
#include "contract.h"

static long faults(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return u.ru_minflt;
}
static int present(char *p, int n)
{
	unsigned char v[256];
	mincore(p, n * page(), v);
	int c = 0;
	for (int i = 0; i < n; i++)
		c += v[i] & 1;
	return c;
}

int main(void)
{
	size_t n = page();
	char *p = pages(64, PROT_READ | PROT_WRITE);
	madvise(p, 64 * n, MADV_NOHUGEPAGE);
	faults();
	long before = faults();
	for (int i = 0; i < 64; i++)
		p[i * n] = 1;
	WITHIN("a fault a page", faults() - before, 64, 66);
	before = faults();
	for (int i = 0; i < 64; i++)
		p[i * n] = 2;
	WITHIN("no more", faults() - before, 0, 2);
	char *q = mmap(NULL, 64 * n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	FACT("MAP_POPULATE: present %d", present(q, 64));
	before = faults();
	for (int i = 0; i < 64; i++)
		q[i * n] = 1;
	WITHIN("no faults", faults() - before, 0, 2);
	char *r = pages(64, PROT_READ | PROT_WRITE);
	madvise(r, 64 * n, MADV_NOHUGEPAGE);
	FACT("fresh: present %d", present(r, 64));
	CALL("MADV_POPULATE_WRITE", madvise(r, 32 * n, 23));
	FACT("present %d", present(r, 64));
	before = faults();
	volatile int sum = 0;
	for (int i = 32; i < 64; i++)
		sum += r[i * n];
	WITHIN("reading faults too", faults() - before, 32, 34);
	before = faults();
	for (int i = 32; i < 64; i++)
		r[i * n] = 1;
	WITHIN("and the first write again", faults() - before, 32, 34);
	pid_t pid;
	CHILD(pid)
	{
		for (int i = 0; i < 64; i++)
			p[i * n] = 3;
		_exit(faults() >= 64 ? 1 : 0);
	}
	int status = REAP(pid);
	FACT("a child copies page by page: %d", WEXITSTATUS(status));
	madvise(p, 64 * n, MADV_DONTNEED);
	FACT("dropped: present %d", present(p, 64));
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	FACT("major faults %ld, largest size known %d", u.ru_majflt, u.ru_maxrss > 100);
	getrusage(RUSAGE_CHILDREN, &u);
	IS("the child's count", u.ru_minflt >= 64);
}
