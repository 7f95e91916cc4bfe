// sched(7): on one processor SCHED_FIFO and SCHED_RR come before SCHED_OTHER, a higher priority before a lower one; equals
// of SCHED_RR take turns; a nice value that changes counts from then on; a task that waits for its turn takes signals.
// timeout: 60
#include "contract.h"

static volatile long *counts;
static volatile int *stop;
static int start[2];
static pid_t worker(int k, int policy, int priority)
{
	pid_t pid;
	CHILD(pid)
	{
		unsigned long one = 1;
		char c;
		syscall(SYS_sched_setaffinity, 0, 8, &one);
		MUST(syscall(SYS_sched_setscheduler, 0, policy, &(int){ priority }));
		counts[k * 8] = -1;
		read(start[0], &c, 1);
		while (!*stop)
			counts[k * 8]++;
		struct rusage u;
		getrusage(RUSAGE_SELF, &u);
		counts[k * 8 + 1] = u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000 + u.ru_stime.tv_sec * 1000 + u.ru_stime.tv_usec / 1000;
	}
	EVENTUALLY(counts[k * 8] == -1);
	asleep(pid);
	return pid;
}
static void together(const char *name, int policy, int priority, int other, int other_priority, long low, long high)
{
	memset((void *)counts, 0, page() - 64);
	*stop = 0;
	pid_t a = worker(0, policy, priority), b = worker(1, other, other_priority);
	write(start[1], "go", 2);
	pause_ms(policy == SCHED_RR && other == SCHED_RR ? 500 : 300);
	*stop = 1;
	REAP(a);
	REAP(b);
	WITHIN(name, counts[9] * 100 / (counts[1] + counts[9] + 1), low, high);
}

int main(void)
{
	counts = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	stop = (int *)((char *)counts + page() - 64);
	pipe(start);
	together("percent of SCHED_OTHER beside SCHED_FIFO", SCHED_FIFO, 1, SCHED_OTHER, 0, 0, 30);
	together("percent of SCHED_BATCH beside SCHED_RR", SCHED_RR, 1, SCHED_BATCH, 0, 0, 30);
	together("percent of SCHED_BATCH beside SCHED_OTHER", SCHED_OTHER, 0, SCHED_BATCH, 0, 30, 70);
	together("percent of priority 3 beside 2", SCHED_FIFO, 2, SCHED_FIFO, 3, 70, 100);
	together("percent of one of two of SCHED_RR", SCHED_RR, 4, SCHED_RR, 4, 25, 75);
	memset((void *)counts, 0, page() - 64);
	*stop = 0;
	pid_t a = worker(0, SCHED_OTHER, 0), b = worker(1, SCHED_OTHER, 0);
	setpriority(PRIO_PROCESS, a, 19);
	write(start[1], "go", 2);
	EVENTUALLY(counts[0] > 0 && counts[8] > 0);
	CALL("the first as before", setpriority(PRIO_PROCESS, a, 0));
	CALL("and the other nice", setpriority(PRIO_PROCESS, b, 19));
	long before = counts[0], other = counts[8];
	pause_ms(400);
	WITHIN("percent of the other", (counts[8] - other) * 100 / (counts[0] - before + counts[8] - other + 1), 0, 20);
	CALL("stop it", kill(b, SIGSTOP));
	int status;
	waitpid(b, &status, WUNTRACED);
	SAY_STATUS("the other", status);
	CALL("kill it", kill(b, SIGKILL));
	ENDED("the other", b);
	*stop = 1;
	REAP(a);
}
