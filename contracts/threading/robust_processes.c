// set_robust_list(2), get_robust_list(2): robust mutexes between processes: exit, kill and exec of the owner; the list's rules.
#include "contract.h"

static pthread_mutex_t *m;
static void owner(const char *name, int how)
{
	pid_t pid;
	struct gate locked = gate_new();
	CHILD(pid)
	{
		pthread_mutex_lock(m);
		gate_open(locked);
		if (how == 0)
			_exit(0);
		if (how == 1)
			pause();
		execl("/proc/self/exe", "x", "exec", NULL);
	}
	gate_wait(locked);
	pid_t waiter = LATER(pthread_mutex_lock(m));
	if (how == 1)
		kill(pid, SIGKILL);
	REAP(pid);
	int status = REAP(waiter);
	FACT("%s: the waiter got %s", name, errno_name(WEXITSTATUS(status)));
	int e = pthread_mutex_lock(m); // the waiter has ended with it, too
	FACT("and after it: %s", errno_name(e));
	pthread_mutex_consistent(m);
	pthread_mutex_unlock(m);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return 0;
	m = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t a;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(m, &a);
	owner("exit", 0);
	owner("kill", 1);
	owner("exec", 2);
	pid_t pid;
	CHILD(pid)
	{
		pthread_mutex_lock(m);
		_exit(0);
	}
	REAP(pid);
	ERR("lock", pthread_mutex_lock(m));
	ERR("unlock without making it consistent", pthread_mutex_unlock(m));
	ERR("it cannot be used any more", pthread_mutex_lock(m));
	void *head = NULL;
	size_t size = 0;
	CALL("get_robust_list", syscall(SYS_get_robust_list, 0, &head, &size));
	FACT("size %zu, set by the C library %d", size, head != NULL);
	CALL("a wrong size", syscall(SYS_set_robust_list, head, 23));
	CALL("of no process", syscall(SYS_get_robust_list, 99999, &head, &size));
	CHILD(pid)
	{
		long list[3] = { (long)list, -8, 0 };
		CALL("a list of one's own", syscall(SYS_set_robust_list, list, 24));
		list[0] = 8; // a bad pointer: the end is none of the kernel's trouble
	}
	ENDED("a broken list", pid);
	CHILD(pid)
	{
		setuid(1000);
		CALL("another user's", syscall(SYS_get_robust_list, getppid(), &head, &size));
	}
	REAP(pid);
}
