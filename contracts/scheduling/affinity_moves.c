// sched_setaffinity(2): a thread that is bound to processors runs on no other, whoever binds it; its children are bound, too.
#include "contract.h"
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

static cpu_set_t all;
static int here(void)
{
	unsigned cpu = -1;
	syscall(SYS_getcpu, &cpu, NULL, NULL);
	return cpu;
}

static void bind_to(pid_t tid, int cpu)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(tid, sizeof one, &one) == -1)
		FACT("sched_setaffinity: %s", errno_name(errno));
}

static volatile int stop;
static pid_t tid;
static int ready[2];

// runs tells that it is there, and then runs until it is told to stop.
static void *runs(void *arg)
{
	tid = syscall(SYS_gettid);
	write(ready[1], "x", 1);
	while (!stop)
		;
	return (void *)(long)here();
}

int main(void)
{
	sched_getaffinity(0, sizeof all, &all);
	int wrong = 0, last = 0, child_wrong = 0, thread_wrong = 0, sched_wrong = 0;
	for (int i = 0; i < 20; i++)
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (!CPU_ISSET(cpu, &all))
				continue;
			last = cpu;
			bind_to(0, cpu);
			wrong += here() != cpu;
			sched_yield();
			sched_wrong += sched_getcpu() != cpu;
			pid_t pid;
			CHILD(pid) { _exit(here() != cpu); }
			child_wrong += REAP(pid) != 0;
		}
	FACT("not where it was bound to: %d", wrong);
	FACT("nor after sched_yield: %d", sched_wrong);
	FACT("children elsewhere: %d", child_wrong);

	// Another thread, while it runs.
	sched_setaffinity(0, sizeof all, &all);
	pipe(ready);
	for (int cpu = 0; cpu <= last; cpu++) {
		pthread_t t;
		char c;
		void *where;
		stop = 0;
		pthread_create(&t, NULL, runs, NULL);
		read(ready[0], &c, 1);
		bind_to(tid, cpu);
		stop = 1;
		pthread_join(t, &where);
		thread_wrong += (long)where != cpu;
	}
	FACT("threads that were bound while they ran, elsewhere: %d", thread_wrong);
	return 0;
}
