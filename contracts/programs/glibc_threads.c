// pthreads(7): Debian's C library: threads, TLS, keys, conditions, rwlocks, barriers, once, semaphores, names.
// libc: glibc
#include "contract.h"
#include <semaphore.h>

static _Thread_local int mine = 5;
static pthread_key_t key;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t bar;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t sem;
static int turn, onced, sum;
static _Atomic int destroyed, exited;
static void destroy(void *v) { destroyed += (long)v; }
static void at_once(void) { onced++; }
static void *work(void *arg)
{
	long k = (long)arg;
	pthread_setspecific(key, (void *)k);
	pthread_once(&once, at_once);
	mine += k;
	pthread_barrier_wait(&bar);
	for (int i = 0; i < 20; i++) {
		pthread_mutex_lock(&m);
		while (turn != k)
			pthread_cond_wait(&c, &m);
		turn = turn % 4 + 1;
		pthread_cond_broadcast(&c);
		pthread_mutex_unlock(&m);
		pthread_rwlock_wrlock(&rw);
		sum += k;
		pthread_rwlock_unlock(&rw);
	}
	sem_post(&sem);
	exited++;
	if (k == 1)
		pthread_exit((void *)(long)mine);
	return (void *)(long)mine;
}

int main(void)
{
	pthread_key_create(&key, destroy);
	pthread_barrier_init(&bar, NULL, 4);
	sem_init(&sem, 0, 0);
	turn = 1;
	pthread_t t[4];
	for (long k = 1; k <= 4; k++)
		t[k - 1] = THREAD(work, (void *)k);
	for (int k = 0; k < 4; k++)
		sem_wait(&sem);
	for (int k = 0; k < 4; k++)
		FACT("thread %d returned %ld", k + 1, (long)JOIN(t[k]));
	FACT("own value %d, once %d, sum %d, destructors %d", mine, onced, sum, destroyed);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&m);
	ERR("timed wait", pthread_cond_timedwait(&c, &m, &now));
	pthread_mutexattr_t a;
	pthread_mutex_t e, pi;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&e, &a);
	pthread_mutex_lock(&e);
	ERR("lock twice", pthread_mutex_lock(&e));
	pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
	ERR("priority inheritance", pthread_mutex_init(&pi, &a));
	ERR("lock", pthread_mutex_lock(&pi));
	ERR("again", pthread_mutex_lock(&pi));
	ERR("unlock", pthread_mutex_unlock(&pi));
	ERR("name", pthread_setname_np(pthread_self(), "renamed"));
	FACT("comm %s", strtok(get_file("/proc/self/comm"), "\n"));
	ERR("a long name", pthread_setname_np(pthread_self(), "sixteen bytes..."));
}
