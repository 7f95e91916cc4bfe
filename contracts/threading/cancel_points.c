// pthread_cancel(3), pthread_kill(3): blocked system calls are interrupted for a cancelled thread, others go on.
#include "contract.h"
#include <semaphore.h>

static int p[2], cleaned;
static _Atomic pid_t tid;
static sem_t sem;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static void clean(void *arg) { cleaned++; }
static void unlock(void *arg)
{
	cleaned += 10;
	pthread_mutex_unlock(&m);
}
static void *blocked(void *arg)
{
	char b;
	int status;
	pthread_cleanup_push(clean, NULL);
	tid = thread_id();
	switch ((long)arg) {
	case 0: read(p[0], &b, 1); break;
	case 1: sem_wait(&sem); break;
	case 2: poll(&(struct pollfd){ p[0], POLLIN, 0 }, 1, -1); break;
	case 3: nanosleep(&(struct timespec){ 100, 0 }, NULL); break;
	case 4: pause(); break;
	case 5:
		pthread_mutex_lock(&m);
		pthread_cleanup_push(unlock, NULL);
		pthread_cond_wait(&c, &m);
		pthread_cleanup_pop(0);
		break;
	case 6: accept(socket(AF_UNIX, SOCK_STREAM, 0), NULL, NULL); pause(); break;
	case 7: sigwaitinfo(&(sigset_t){ 0 }, NULL); break;
	}
	pthread_cleanup_pop(0);
	return NULL;
}
static void *waiter(void *arg)
{
	tid = thread_id();
	pthread_mutex_lock(&m);
	pthread_mutex_unlock(&m);
	return (void *)7;
}

int main(void)
{
	const char *names[] = { "read", "sem_wait", "poll", "nanosleep", "pause", "pthread_cond_wait", "after an error", "sigwaitinfo" };
	pipe(p);
	sem_init(&sem, 0, 0);
	for (long i = 0; i < COUNT_OF(names); i++) {
		tid = 0;
		cleaned = 0;
		pthread_t t = THREAD(blocked, (void *)i);
		EVENTUALLY(tid != 0);
		asleep(tid);
		pthread_cancel(t);
		bool cancelled = JOIN(t) == PTHREAD_CANCELED;
		FACT("%s: cancelled %d, clean-up %d", names[i], cancelled, cleaned);
	}
	FACT("the mutex of the condition is free: %s", errno_name(pthread_mutex_trylock(&m)));
	tid = 0;
	pthread_t t = THREAD(waiter, NULL);
	EVENTUALLY(tid != 0);
	asleep(tid);
	pthread_cancel(t);
	asleep(tid);
	pthread_mutex_unlock(&m);
	FACT("pthread_mutex_lock is no cancellation point: %ld", (long)JOIN(t));
	note_signal(SIGUSR1, 0);
	tid = 0;
	t = THREAD(blocked, (void *)0);
	EVENTUALLY(tid != 0);
	asleep(tid);
	ERR("pthread_kill", pthread_kill(t, SIGUSR1));
	IS("a read interrupted by a handler returns", JOIN(t) == NULL);
	FACT("handled %d", got[SIGUSR1]);
}
