// times(2), getrusage(2), clock(3): CPU time grows with work and not with sleep; threads' own clocks.
#include "contract.h"

static long long cpu(clockid_t c)
{
	struct timespec t;
	clock_gettime(c, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}
static void *work(void *arg)
{
	while (cpu(CLOCK_THREAD_CPUTIME_ID) < 40)
		;
	return NULL;
}

int main(void)
{
	long long p, cost = 50;
	for (int i = 0; i < 5 && cost > 20; i++) { // the machine itself may be kept from running meanwhile
		p = cpu(CLOCK_PROCESS_CPUTIME_ID);
		pause_ms(50);
		cost = cpu(CLOCK_PROCESS_CPUTIME_ID) - p;
	}
	WITHIN("cost of sleeping", cost, 0, 20);
	p = cpu(CLOCK_PROCESS_CPUTIME_ID);
	JOIN(THREAD(work, NULL));
	IS("process has the thread's time", cpu(CLOCK_PROCESS_CPUTIME_ID) - p >= 39);
	long long own = cpu(CLOCK_THREAD_CPUTIME_ID);
	IS("this thread has not", cpu(CLOCK_PROCESS_CPUTIME_ID) - own >= 39);
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	IS("getrusage", u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000 + u.ru_stime.tv_sec * 1000 + u.ru_stime.tv_usec / 1000 >= 30);
	struct tms t;
	IS("times returns ticks", times(&t) > 0);
	CALL("ticks a second", sysconf(_SC_CLK_TCK));
	clockid_t c;
	ERR("clock_getcpuclockid", clock_getcpuclockid(getpid(), &c));
	IS("its clock", cpu(c) >= 39);
	CALL("times with a bad address", syscall(SYS_times, BAD_POINTER));
}
