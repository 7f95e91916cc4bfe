// pthread_create(3), pthread_join(3): hundreds of threads come and go, joined, detached, nested; ids and memory return.
#include "contract.h"

static _Atomic int ran, nested;
static void *leaf(void *arg)
{
	nested++;
	return NULL;
}
static void *branch(void *arg)
{
	char big[20000];
	memset(big, (long)arg, sizeof big);
	pthread_t t = THREAD(leaf, NULL);
	JOIN(t);
	ran++;
	return (void *)(long)(big[5000] + big[19999]);
}
static void *detached(void *arg)
{
	ran++;
	return NULL;
}
static void *sleeping(void *arg)
{
	pause();
	return NULL;
}
static int threads(void) { return atoi(line_of(get_file("/proc/self/status"), "Threads:")); }

int main(void)
{
	long sum = 0;
	for (int round = 0; round < 8; round++) {
		pthread_t t[8];
		for (long i = 0; i < 8; i++)
			t[i] = THREAD(branch, (void *)i);
		for (int i = 0; i < 8; i++)
			sum += (long)JOIN(t[i]);
	}
	FACT("ran %d nested %d sum %ld", ran, nested, sum);
	EVENTUALLY(threads() == 1);
	FACT("left %d", threads());
	pthread_attr_t a;
	pthread_attr_init(&a);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&a, 65536);
	ran = 0;
	for (int i = 0; i < 40; i++) {
		pthread_t t;
		int e;
		while ((e = pthread_create(&t, &a, detached, NULL)) == EAGAIN)
			pause_ms(1);
		if (e != 0)
			ERR("pthread_create", e);
	}
	EVENTUALLY(ran == 40);
	FACT("detached %d", ran);
	EVENTUALLY(threads() == 1);
	FACT("left %d", threads());
	struct rlimit r = { 5, 5 };
	pid_t pid;
	CHILD(pid)
	{
		setrlimit(RLIMIT_NPROC, &r);
		setgid(4321);
		setuid(4321);
		int n = 0, e = 0;
		pthread_t t;
		while (n < 10 && (e = pthread_create(&t, NULL, sleeping, NULL)) == 0)
			n++;
		FACT("RLIMIT_NPROC 5: %d more threads, then %s", n, errno_name(e));
		CALL("fork", fork());
	}
	REAP(pid);
}
