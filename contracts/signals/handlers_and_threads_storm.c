// signal(7), pthread_kill(3), setitimer(2): signals from timers, other processes and threads arrive amid allocation and I/O.
// timeout: 30
#include "contract.h"

static _Atomic int handled, rt, bad;
static _Thread_local long canary = 0x1234567;
static void handler(int sig)
{
	int e = errno;
	volatile char big[3000];
	for (int i = 0; i < 3000; i += 100)
		big[i] = sig;
	bad += canary != 0x1234567 || big[2900] != (char)sig;
	getpid();
	if (sig == SIGRTMIN + 2)
		rt++;
	else
		handled++;
	errno = e;
}
static int p[2];
static void *work(void *arg)
{
	for (int i = 0; i < 150; i++) {
		char *m = malloc(1000 + i), b[64];
		memset(m, i, 1000 + i);
		errno = 42;
		if (write(p[1], m, 32) != 32)
			bad++;
		if (read(p[0], b, 32) <= 0)
			bad++;
		bad += errno != 42;
		for (int k = 0; k < 1000 + i; k++)
			bad += m[k] != (char)i;
		free(m);
		char *q = pages(1, PROT_READ | PROT_WRITE);
		q[i] = 1;
		munmap(q, page());
		if (i % 10 == 0)
			pthread_kill(pthread_self(), SIGUSR2);
	}
	return NULL;
}

int main(void)
{
	on_signal(SIGALRM, handler, SA_RESTART);
	on_signal(SIGUSR2, handler, SA_RESTART | SA_NODEFER);
	on_signal(SIGRTMIN + 2, handler, SA_RESTART);
	pipe(p);
	struct itimerval t = { { 0, 1500 }, { 0, 1500 } };
	setitimer(ITIMER_REAL, &t, NULL);
	pid_t pid, self = getpid();
	CHILD(pid)
	{
		for (int i = 0; i < 100; i++) {
			while (sigqueue(self, SIGRTMIN + 2, (union sigval){ .sival_int = i }) == -1 && errno == EAGAIN)
				sched_yield();
		}
	}
	pthread_t th[3];
	for (int i = 0; i < 3; i++)
		th[i] = THREAD(work, NULL);
	for (int i = 0; i < 3; i++)
		JOIN(th[i]);
	REAP(pid);
	EVENTUALLY(rt == 100);
	struct itimerval none = { 0 };
	setitimer(ITIMER_REAL, &none, NULL);
	FACT("bad %d, queued signals %d", bad, rt);
	IS("timer and thread signals", handled >= 45);
}
