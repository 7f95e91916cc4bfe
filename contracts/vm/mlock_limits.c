// mlock(2), munlock(2), mlockall(2): errors, RLIMIT_MEMLOCK, pages are present.
// run: root,user
#include "contract.h"

int main(void)
{
	size_t n = page();
	char *m = pages(4, PROT_READ | PROT_WRITE);
	unsigned char v[4];
	CALL("mlock", mlock(m, 2 * n));
	mincore(m, 4 * n, v);
	FACT("present %d %d %d", v[0] & 1, v[1] & 1, v[2] & 1);
	CALL("munlock", munlock(m, 2 * n));
	CALL("of nothing", mlock((void *)0x10000000, n));
	CALL("mlockall without flags", mlockall(0));
	CALL("mlockall with a bad flag", mlockall(64));
	CALL("mlock2 with a bad flag", syscall(SYS_mlock2, m, n, 8));
	struct rlimit r = { n, n };
	setrlimit(RLIMIT_MEMLOCK, &r);
	CALL("above the limit", mlock(m, 3 * n));
	r.rlim_cur = 0;
	setrlimit(RLIMIT_MEMLOCK, &r);
	CALL("limit 0", mlock(m, n));
	CALL("munlockall", munlockall());
}
