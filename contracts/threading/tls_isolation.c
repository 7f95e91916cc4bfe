// clone(2), arch_prctl(2): the thread pointer of each thread survives switches, signals and system calls; CLONE_SETTLS.
#include "contract.h"

static _Thread_local long mine[16];
static _Atomic int bad, stop;
static unsigned long pointer(void)
{
	unsigned long v;
#ifdef __x86_64__
	__asm__ volatile("mov %%fs:0, %0" : "=r"(v));
#else
	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(v));
#endif
	return v;
}
static void handler(int sig)
{
	got[sig]++;
	mine[15]++;
}
static void *work(void *arg)
{
	long k = (long)arg;
	unsigned long before = pointer();
	for (int i = 0; i < 15; i++)
		mine[i] = k * 100 + i;
	for (int round = 0; round < 300; round++) {
		if (round % 50 == 0)
			pthread_kill(pthread_self(), SIGUSR1);
		if (round % 3 == 0)
			sched_yield();
		for (int i = 0; i < 15; i++)
			bad += mine[i] != k * 100 + i;
		bad += pointer() != before;
		errno = k;
		getpid();
		bad += errno != k;
	}
	return (void *)mine[15];
}

int main(void)
{
	on_signal(SIGUSR1, handler, SA_RESTART);
	pthread_t t[6];
	for (long k = 0; k < 6; k++)
		t[k] = THREAD(work, (void *)(k + 1));
	long counts = 0;
	for (int k = 0; k < 6; k++)
		counts += (long)JOIN(t[k]);
	FACT("bad %d, handlers in their own threads %ld", bad, counts);
	FACT("the first thread's own: %ld", mine[0]);
	unsigned long parent = pointer();
	pid_t pid;
	CHILD(pid) { IS("a child keeps the pointer", pointer() == parent); }
	REAP(pid);
	pid = vfork();
	if (pid == 0)
		_exit(pointer() != parent);
	ENDED("vfork", pid);
}
