// signal(7): a read interrupted before it moved data: restarted with SA_RESTART, EINTR without.
#include "contract.h"

static _Atomic int *handled;
static void count(int sig) { ++*handled; }

static void run(const char *name, int flags)
{
	int p[2], before = *handled;
	pipe(p);
	on_signal(SIGUSR1, count, flags);
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		asleep(parent);
		kill(parent, SIGUSR1);
		EVENTUALLY(*handled > before);
		asleep(parent);
		write(p[1], "abc", 3);
	}
	char buffer[8];
	CALL(name, read(p[0], buffer, sizeof buffer));
	FACT("handled %d", *handled - before);
	REAP(pid);
}

int main(void)
{
	handled = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run("read with SA_RESTART", SA_RESTART);
	run("read without", 0);
	int p[2];
	pipe(p);
	int size = fcntl(p[1], F_SETPIPE_SZ, 4096);
	char big[8192] = "";
	on_signal(SIGUSR1, count, 0);
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		asleep(parent);
		kill(parent, SIGUSR1);
	}
	FACT("a write interrupted after part was written: %ld of %d", (long)write(p[1], big, sizeof big), size);
	REAP(pid);
}
