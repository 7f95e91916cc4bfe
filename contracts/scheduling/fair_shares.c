// sched(7), setpriority(2): equal processes on one processor get like shares, a nice 19 one little, an idle one less.
// timeout: 30
#include "contract.h"

static volatile long *counts;
static volatile int *stop;
static pid_t worker(int k, int nice, int policy)
{
	pid_t pid;
	CHILD(pid)
	{
		unsigned long one = 1;
		syscall(SYS_sched_setaffinity, 0, 8, &one);
		setpriority(PRIO_PROCESS, 0, nice);
		syscall(SYS_sched_setscheduler, 0, policy, &(int){ 0 });
		while (!*stop)
			counts[k * 8]++;
		struct rusage u;
		getrusage(RUSAGE_SELF, &u);
		counts[k * 8 + 1] = u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000 + u.ru_stime.tv_sec * 1000 + u.ru_stime.tv_usec / 1000;
	}
	return pid;
}
static void together(const char *name, int nice, int policy, long low, long high)
{
	memset((void *)counts, 0, page() - 64);
	*stop = 0;
	pid_t a = worker(0, 0, SCHED_OTHER), b = worker(1, nice, policy);
	EVENTUALLY(counts[0] > 0);
	pause_ms(600);
	*stop = 1;
	REAP(a);
	REAP(b);
	WITHIN(name, counts[9] * 100 / (counts[1] + counts[9] + 1), low, high);
}

int main(void)
{
	counts = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	stop = (int *)((char *)counts + page() - 64);
	together("percent of one of two", 0, SCHED_OTHER, 30, 70);
	together("percent of nice 19", 19, SCHED_OTHER, 0, 15);
	together("percent of SCHED_IDLE", 0, SCHED_IDLE, 0, 15);
}
