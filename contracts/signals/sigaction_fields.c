// sigaction(2): what is stored is what is read back; which signals and values are refused.
#include "contract.h"

int main(void)
{
	struct sigaction a = { .sa_handler = note, .sa_flags = SA_RESTART | SA_NODEFER }, old;
	sigemptyset(&a.sa_mask);
	sigaddset(&a.sa_mask, SIGUSR2);
	sigaddset(&a.sa_mask, SIGKILL);
	CALL("set", sigaction(SIGUSR1, &a, &old));
	IS("was default", old.sa_handler == SIG_DFL && old.sa_flags == 0);
	CALL("read", sigaction(SIGUSR1, NULL, &old));
	IS("handler", old.sa_handler == note);
	FACT("flags %#x", old.sa_flags & (SA_RESTART | SA_NODEFER | SA_SIGINFO | SA_ONSTACK | SA_RESETHAND));
	IS("mask has SIGUSR2", sigismember(&old.sa_mask, SIGUSR2));
	IS("mask has SIGKILL", sigismember(&old.sa_mask, SIGKILL));
	CALL("SIGKILL", sigaction(SIGKILL, &a, NULL));
	CALL("SIGSTOP", sigaction(SIGSTOP, &a, NULL));
	CALL("reading SIGKILL", sigaction(SIGKILL, NULL, &old));
	CALL("signal 0", syscall(SYS_rt_sigaction, 0, NULL, NULL, 8));
	CALL("signal 65", syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
	CALL("signal 64", syscall(SYS_rt_sigaction, 64, NULL, NULL, 8));
	CALL("set of 4 bytes", syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
	CALL("bad address", syscall(SYS_rt_sigaction, SIGUSR1, BAD_POINTER, NULL, 8));
	CALL("bad old address", syscall(SYS_rt_sigaction, SIGUSR1, NULL, BAD_POINTER, 8));
}
