// pthreads: mutexes, conditions and barriers under contention lose nothing.
#include "contract.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t bar;
static int count, turn;
static void *add(void *arg)
{
	pthread_barrier_wait(&bar);
	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&m);
		count++;
		pthread_mutex_unlock(&m);
	}
	pthread_barrier_wait(&bar);
	for (int i = 0; i < 50; i++) {
		pthread_mutex_lock(&m);
		while (turn % 4 != (long)arg)
			pthread_cond_wait(&c, &m);
		turn++;
		pthread_cond_broadcast(&c);
		pthread_mutex_unlock(&m);
	}
	return NULL;
}

int main(void)
{
	pthread_barrier_init(&bar, NULL, 4);
	pthread_t t[4];
	for (long i = 0; i < 4; i++)
		t[i] = THREAD(add, (void *)i);
	for (int i = 0; i < 4; i++)
		JOIN(t[i]);
	FACT("count %d turns %d", count, turn);
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	ERR("a deadline that passed", pthread_cond_timedwait(&c, &m, &ts));
}
