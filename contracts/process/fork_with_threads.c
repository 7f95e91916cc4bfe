// fork(2): the child of a multithreaded process has one thread, the one that called fork; memory is as it was.
#include "contract.h"

static _Atomic int ticks, stop;
static void *tick(void *arg)
{
	while (!stop) {
		ticks++;
		sched_yield();
	}
	return NULL;
}

static int tasks(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/task");
	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.';
	return n;
}

static void *forker(void *arg)
{
	pid_t pid;
	CHILD(pid)
	{
		IS("child's thread id is its pid", thread_id() == getpid());
		FACT("child has %d thread", tasks());
		int before = ticks;
		pause_ms(20);
		IS("others do not run in the child", ticks == before);
	}
	ENDED("child", pid);
	return NULL;
}

int main(void)
{
	pthread_t a = THREAD(tick, NULL), b = THREAD(tick, NULL);
	EVENTUALLY(ticks > 10);
	FACT("parent has %d threads", tasks());
	forker(NULL);
	JOIN(THREAD(forker, NULL));
	int before = ticks;
	EVENTUALLY(ticks > before);
	stop = 1;
	JOIN(a);
	JOIN(b);
}
