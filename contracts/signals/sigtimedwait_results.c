// sigtimedwait(2), sigwaitinfo(2): takes a pending signal without its handler; timeouts; interruption.
#include "contract.h"

int main(void)
{
	note_signal(SIGUSR1, 0);
	note_signal(SIGUSR2, 0);
	block(SIGUSR1);
	sigset_t s = set_of(SIGUSR1);
	siginfo_t i;
	struct timespec zero = { 0 }, some = { 0, 30000000 }, odd = { 0, 1000000000 };
	CALL("nothing pending, no time", sigtimedwait(&s, &i, &zero));
	long long t = now_ms();
	CALL("nothing pending, 30 ms", sigtimedwait(&s, &i, &some));
	WITHIN("time passed", now_ms() - t, 30, PATIENCE * 1000);
	CALL("nanoseconds out of range", sigtimedwait(&s, &i, &odd));
	kill(getpid(), SIGUSR1);
	CALL("pending", sigtimedwait(&s, &i, &zero));
	FACT("code %d, own pid %d", i.si_code, i.si_pid == getpid());
	FACT("handled %d", got[SIGUSR1]);
	CALL("taken", sigtimedwait(&s, &i, &zero));
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		asleep(parent);
		kill(parent, SIGUSR2);
	}
	CALL("interrupted by another signal", syscall(SYS_rt_sigtimedwait, &s, &i, NULL, 8));
	REAP(pid);
	CHILD(pid)
	{
		asleep(parent);
		sigqueue(parent, SIGUSR1, (union sigval){ .sival_int = 5 });
	}
	CALL("sigwaitinfo", sigwaitinfo(&s, &i));
	FACT("value %d", i.si_value.sival_int);
	REAP(pid);
	CALL("bad set", syscall(SYS_rt_sigtimedwait, BAD_POINTER, NULL, NULL, 8));
	CALL("set of 4 bytes", syscall(SYS_rt_sigtimedwait, &s, NULL, NULL, 4));
}
