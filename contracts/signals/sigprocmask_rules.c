// sigprocmask(2), sigpending(2): SIGKILL and SIGSTOP cannot be blocked; how; sizes; a pending signal is delivered
// before the call that unblocks it returns.
#include "contract.h"

int main(void)
{
	sigset_t all, old;
	sigfillset(&all);
	CALL("block all", sigprocmask(SIG_BLOCK, &all, NULL));
	sigprocmask(SIG_SETMASK, NULL, &old);
	FACT("SIGKILL blocked %d SIGSTOP blocked %d SIGTERM blocked %d", sigismember(&old, SIGKILL),
		sigismember(&old, SIGSTOP), sigismember(&old, SIGTERM));
	CALL("bad how", sigprocmask(17, &all, NULL));
	CALL("bad how without a set", sigprocmask(17, NULL, &old));
	CALL("set of 4 bytes", syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, 4));
	CALL("bad address", syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD_POINTER, NULL, 8));
	CALL("bad old address", syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, BAD_POINTER, 8));
	CALL("sigpending into a bad address", syscall(SYS_rt_sigpending, BAD_POINTER, 8));
	CALL("sigpending of 9 bytes", syscall(SYS_rt_sigpending, &old, 9));
	note_signal(SIGUSR1, 0);
	raise(SIGUSR1);
	raise(SIGUSR1);
	FACT("pending %d, handled %d", is_pending(SIGUSR1), got[SIGUSR1]);
	unblock(SIGUSR1);
	FACT("pending %d, handled %d", is_pending(SIGUSR1), got[SIGUSR1]);
	signal(SIGUSR1, SIG_IGN);
	block(SIGUSR1);
	raise(SIGUSR1);
	IS("an ignored signal that is blocked becomes pending", is_pending(SIGUSR1));
	signal(SIGUSR1, SIG_DFL);
	raise(SIGUSR1);
	FACT("pending %d", is_pending(SIGUSR1));
	signal(SIGUSR1, SIG_IGN);
	FACT("after setting it to ignored: pending %d", is_pending(SIGUSR1));
	raise(SIGCHLD);
	FACT("blocked SIGCHLD with the default action: pending %d", is_pending(SIGCHLD));
}
