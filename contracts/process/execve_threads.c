// execve(2): all other threads end; the process keeps its id even where another thread than the first calls it.
#include "contract.h"

static void *sleeper(void *arg)
{
	for (;;)
		pause();
}
static void *exec_again(void *arg)
{
	execl("/proc/self/exe", "x", arg, NULL);
	FACT("exec failed: %s", errno_name(errno));
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		IS("pid kept", getpid() == atoi(argv[1]));
		IS("thread id is the pid", thread_id() == getpid());
		int n = 0;
		DIR *d = opendir("/proc/self/task");
		for (struct dirent *e; (e = readdir(d));)
			n += e->d_name[0] != '.';
		FACT("threads: %d", n);
		return 8;
	}
	pid_t pid;
	CHILD(pid)
	{
		static char me[20];
		snprintf(me, sizeof me, "%d", getpid());
		THREAD(sleeper, NULL);
		JOIN(THREAD(exec_again, me));
	}
	ENDED("exec from a second thread", pid);
}
