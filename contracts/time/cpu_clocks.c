// clock_gettime(2), clock_getcpuclockid(3), getrusage(2): CPU clocks of processes and threads, of others, of the ended.
#include "contract.h"

static long long of(clockid_t c)
{
	struct timespec t;
	return clock_gettime(c, &t) == -1 ? -errno : t.tv_sec * 1000000000LL + t.tv_nsec;
}
static void burn(long ms)
{
	long long end = of(CLOCK_THREAD_CPUTIME_ID) + ms * 1000000;
	while (of(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}
static void *worker(void *arg)
{
	long long before = of(CLOCK_THREAD_CPUTIME_ID);
	IS("a thread's clock starts anew", before < of(CLOCK_PROCESS_CPUTIME_ID));
	burn(30);
	return NULL;
}

int main(void)
{
	long long process = of(CLOCK_PROCESS_CPUTIME_ID), thread = of(CLOCK_THREAD_CPUTIME_ID);
	JOIN(THREAD(worker, NULL));
	IS("the process's clock has the thread's 30 ms", of(CLOCK_PROCESS_CPUTIME_ID) - process >= 30000000);
	thread = of(CLOCK_THREAD_CPUTIME_ID) - thread;
	IS("ours has not", of(CLOCK_PROCESS_CPUTIME_ID) - process - thread >= 30000000);
	long long cost = 30000000;
	for (int i = 0; i < 5 && cost > 15000000; i++) { // the machine itself may be kept from running meanwhile
		process = of(CLOCK_PROCESS_CPUTIME_ID);
		pause_ms(30);
		cost = of(CLOCK_PROCESS_CPUTIME_ID) - process;
	}
	IS("asleep it stands", cost <= 15000000);
	clockid_t c = 0;
	ERR("clock of this process", clock_getcpuclockid(0, &c));
	IS("is the same clock", of(c) >= process);
	pid_t pid;
	CHILD(pid)
	{
		burn(20);
		pause();
	}
	asleep(pid);
	ERR("a child's clock", clock_getcpuclockid(pid, &c));
	IS("has its 20 ms", of(c) >= 20000000);
	CALL("set it", clock_settime(c, &(struct timespec){ 0, 0 }));
	CALL("no sleep by the own thread's clock", clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &(struct timespec){ 0, 1 }, NULL) == EINVAL);
	kill(pid, SIGKILL);
	REAP(pid);
	FACT("after its end: %s", errno_name(-of(c)));
	ERR("of no process", clock_getcpuclockid(99999, &c));
	struct rusage self, all, kids;
	getrusage(RUSAGE_SELF, &all);
	getrusage(RUSAGE_THREAD, &self);
	getrusage(RUSAGE_CHILDREN, &kids);
	IS("the process's usage is more than the thread's", all.ru_utime.tv_sec * 1000000LL + all.ru_utime.tv_usec + all.ru_stime.tv_usec >=
	   self.ru_utime.tv_sec * 1000000LL + self.ru_utime.tv_usec + self.ru_stime.tv_usec);
	IS("the child's was added when it was reaped", kids.ru_utime.tv_usec + kids.ru_stime.tv_usec + kids.ru_utime.tv_sec * 1000000 >= 16000);
	CALL("no such kind", getrusage(7, &all));
	struct timespec r;
	CALL("resolution", clock_getres(CLOCK_PROCESS_CPUTIME_ID, &r));
	FACT("%ld ns", r.tv_nsec);
}
