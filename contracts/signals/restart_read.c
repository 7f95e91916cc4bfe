// signal(7): a read interrupted before it moved data: restarted with SA_RESTART, EINTR without.
#include "contract.h"

static void run(const char *name, int flags)
{
	int p[2];
	pipe(p);
	got[SIGUSR1] = 0;
	note_signal(SIGUSR1, flags);
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		asleep(parent);
		kill(parent, SIGUSR1);
		asleep(parent);
		pause_ms(5);
		write(p[1], "abc", 3);
	}
	char buffer[8];
	CALL(name, read(p[0], buffer, sizeof buffer));
	FACT("handled %d", got[SIGUSR1]);
	REAP(pid);
}

int main(void)
{
	run("read with SA_RESTART", SA_RESTART);
	run("read without", 0);
	int p[2];
	pipe(p);
	int size = fcntl(p[1], F_SETPIPE_SZ, 4096);
	char big[8192] = "";
	note_signal(SIGUSR1, 0);
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		asleep(parent);
		kill(parent, SIGUSR1);
	}
	FACT("a write interrupted after part was written: %ld of %d", (long)write(p[1], big, sizeof big), size);
	REAP(pid);
}
