// pthread_rwlock_rdlock(3), pthread_barrier_wait(3), pthread_once(3), sem_wait(3), pthread_spin_lock(3) under contention.
#include "contract.h"
#include <semaphore.h>

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t bar;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_spinlock_t spin;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, rec;
static sem_t slots;
static _Atomic int readers, writers, wrong, inside, crowded, serial, onced;
static int spun, recursive;
static void init(void)
{
	pause_ms(2);
	onced++;
}
static void *work(void *arg)
{
	pthread_once(&once, init);
	wrong += onced != 1;
	for (int i = 0; i < 30; i++) {
		if ((i + (long)arg) % 5 == 0) {
			pthread_rwlock_wrlock(&rw);
			wrong += ++writers != 1 || readers != 0;
			sched_yield();
			writers--;
			pthread_rwlock_unlock(&rw);
		} else {
			pthread_rwlock_rdlock(&rw);
			readers++;
			wrong += writers != 0;
			sched_yield();
			readers--;
			pthread_rwlock_unlock(&rw);
		}
		sem_wait(&slots);
		int n = ++inside;
		crowded += n > 2;
		sched_yield();
		inside--;
		sem_post(&slots);
		pthread_spin_lock(&spin);
		spun++;
		pthread_spin_unlock(&spin);
		pthread_mutex_lock(&rec);
		pthread_mutex_lock(&rec);
		recursive++;
		pthread_mutex_unlock(&rec);
		pthread_mutex_unlock(&rec);
		if (i % 10 == 0 && pthread_barrier_wait(&bar) == PTHREAD_BARRIER_SERIAL_THREAD)
			serial++;
	}
	return NULL;
}

int main(void)
{
	pthread_mutexattr_t a;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&rec, &a);
	pthread_barrier_init(&bar, NULL, 6);
	pthread_spin_init(&spin, 0);
	sem_init(&slots, 0, 2);
	pthread_t t[6];
	for (long i = 0; i < 6; i++)
		t[i] = THREAD(work, (void *)i);
	for (int i = 0; i < 6; i++)
		JOIN(t[i]);
	FACT("wrong %d crowded %d once %d serial %d spun %d recursive %d", wrong, crowded, onced, serial, spun, recursive);
	struct timespec past = { 1, 0 };
	pthread_rwlock_wrlock(&rw);
	ERR("timed read lock", pthread_rwlock_timedrdlock(&rw, &past));
	ERR("try", pthread_rwlock_tryrdlock(&rw));
	pthread_mutex_lock(&m);
	ERR("timed lock", pthread_mutex_timedlock(&m, &past));
	CALL("sem_timedwait", ({ sem_wait(&slots); sem_wait(&slots); sem_timedwait(&slots, &past); }));
	int v = -1;
	sem_getvalue(&slots, &v);
	FACT("value %d", v);
}
