// clock_gettime(2), clock_getres(2): clocks, monotonicity, errors.
#include "contract.h"

int main(void)
{
	struct timespec a, b, r;
	CALL("realtime", clock_gettime(CLOCK_REALTIME, &a));
	CALL("monotonic", clock_gettime(CLOCK_MONOTONIC, &a));
	CALL("raw", clock_gettime(CLOCK_MONOTONIC_RAW, &a));
	CALL("boottime", clock_gettime(CLOCK_BOOTTIME, &a));
	CALL("process", clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a));
	CALL("thread", clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a));
	CALL("coarse", clock_gettime(CLOCK_MONOTONIC_COARSE, &a));
	CALL("tai", clock_gettime(CLOCK_TAI, &a));
	CALL("unknown", syscall(SYS_clock_gettime, 99, &a));
	CALL("bad address", syscall(SYS_clock_gettime, CLOCK_MONOTONIC, BAD_POINTER));
	int back = 0;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 1000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &b);
		back += b.tv_sec < a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec < a.tv_nsec);
		a = b;
	}
	FACT("went back %d times", back);
	CALL("clock_getres", clock_getres(CLOCK_MONOTONIC, &r));
	FACT("resolution %ld ns", r.tv_nsec);
	CALL("clock_getres null", syscall(SYS_clock_getres, CLOCK_REALTIME, NULL));
	CALL("clock_getres unknown", syscall(SYS_clock_getres, 99, &r));
	CALL("set monotonic", clock_settime(CLOCK_MONOTONIC, &a));
	a.tv_nsec = 1000000000;
	CALL("set realtime, nanoseconds out of range", clock_settime(CLOCK_REALTIME, &a));
	struct timeval tv;
	clock_gettime(CLOCK_REALTIME, &a);
	gettimeofday(&tv, NULL);
	WITHIN("gettimeofday agrees", tv.tv_sec * 1000LL + tv.tv_usec / 1000 - a.tv_sec * 1000LL - a.tv_nsec / 1000000, 0, 1000);
	WITHIN("time agrees", time(NULL) - a.tv_sec, 0, 2);
}
