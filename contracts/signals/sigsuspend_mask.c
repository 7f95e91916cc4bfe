// sigsuspend(2): the mask is swapped atomically, restored afterwards; always EINTR.
#include "contract.h"

int main(void)
{
	note_signal(SIGUSR1, SA_RESTART);
	block(SIGUSR1);
	raise(SIGUSR1);
	FACT("handled %d", got[SIGUSR1]);
	sigset_t none, now;
	sigemptyset(&none);
	CALL("sigsuspend with one pending", sigsuspend(&none));
	FACT("handled %d", got[SIGUSR1]);
	sigprocmask(0, NULL, &now);
	IS("blocked again", sigismember(&now, SIGUSR1));
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		asleep(parent);
		kill(parent, SIGUSR1);
	}
	CALL("sigsuspend", sigsuspend(&none));
	FACT("handled %d", got[SIGUSR1]);
	REAP(pid);
	CALL("set of 4 bytes", syscall(SYS_rt_sigsuspend, &none, 4));
	CALL("bad address", syscall(SYS_rt_sigsuspend, BAD_POINTER, 8));
}
