// set_robust_list(2): a mutex whose owner dies is marked and its waiter woken.
#include "contract.h"

static pthread_mutex_t *m;
static void *die_with_it(void *arg)
{
	pthread_mutex_lock(m);
	return NULL;
}

int main(void)
{
	m = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t a;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(m, &a);
	pid_t pid;
	CHILD(pid) { pthread_mutex_lock(m); }
	REAP(pid);
	ERR("owner exited", pthread_mutex_lock(m));
	ERR("consistent", pthread_mutex_consistent(m));
	ERR("unlock", pthread_mutex_unlock(m));
	struct gate has = gate_new();
	CHILD(pid)
	{
		pthread_mutex_lock(m);
		gate_open(has);
		for (;;)
			pause();
	}
	gate_wait(has);
	ERR("held", pthread_mutex_trylock(m));
	kill(pid, SIGKILL);
	ERR("owner killed while we wait", pthread_mutex_lock(m));
	REAP(pid);
	pthread_mutex_consistent(m);
	pthread_mutex_unlock(m);
	JOIN(THREAD(die_with_it, NULL));
	ERR("owner thread ended", pthread_mutex_lock(m));
	CALL("set_robust_list of a wrong size", syscall(SYS_set_robust_list, NULL, 8));
	CALL("get_robust_list of nobody", syscall(SYS_get_robust_list, 0x3ffffff, NULL, NULL));
}
