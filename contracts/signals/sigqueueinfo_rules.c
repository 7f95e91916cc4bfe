// rt_sigqueueinfo(2), rt_tgsigqueueinfo(2), pidfd_send_signal(2): which codes may be claimed, to whom, and what arrives.
#include "contract.h"

static volatile int code, value, from, signo;
static void handler(int sig, siginfo_t *info, void *context)
{
	got[sig]++;
	code = info->si_code;
	value = info->si_value.sival_int;
	from = info->si_pid;
	signo = info->si_signo;
}
static siginfo_t with(int c)
{
	siginfo_t i = { .si_signo = 99, .si_code = c };
	i.si_pid = 4242;
	i.si_value.sival_int = 31;
	return i;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	sigaction(SIGUSR1, &sa, NULL);
	siginfo_t i = with(SI_QUEUE);
	CALL("SI_QUEUE to ourselves", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &i));
	FACT("code %d value %d claimed pid %d, the signal's own number %d", code, value, from, signo == SIGUSR1);
	i = with(-60);
	CALL("any negative code", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &i));
	FACT("code %d", code);
	i = with(SI_USER);
	CALL("SI_USER to ourselves", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &i));
	i = with(SI_TKILL);
	CALL("SI_TKILL to ourselves", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &i));
	i = with(SI_KERNEL);
	CALL("SI_KERNEL to ourselves", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &i));
	FACT("handled %d", got[SIGUSR1]);
	pid_t pid, parent = getpid();
	CHILD(pid)
	{
		i = with(SI_USER);
		CALL("SI_USER to another", syscall(SYS_rt_sigqueueinfo, parent, SIGUSR1, &i));
		i = with(SI_TKILL);
		CALL("SI_TKILL to another", syscall(SYS_rt_sigqueueinfo, parent, SIGUSR1, &i));
		i = with(SI_QUEUE);
		CALL("SI_QUEUE to another", syscall(SYS_rt_sigqueueinfo, parent, SIGUSR1, &i));
		setuid(1000);
		CALL("to another user's", syscall(SYS_rt_sigqueueinfo, parent, SIGUSR1, &i));
	}
	REAP(pid);
	EVENTUALLY(got[SIGUSR1] >= 6);
	FACT("handled %d", got[SIGUSR1]);
	i = with(SI_QUEUE);
	CALL("to the thread", syscall(SYS_rt_tgsigqueueinfo, getpid(), thread_id(), SIGUSR1, &i));
	FACT("value %d", value);
	CALL("to a thread of another process", syscall(SYS_rt_tgsigqueueinfo, getpid(), getppid(), SIGUSR1, &i));
	CALL("thread 0", syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &i));
	CALL("signal 0", syscall(SYS_rt_sigqueueinfo, getpid(), 0, &i));
	CALL("signal 65", syscall(SYS_rt_sigqueueinfo, getpid(), 65, &i));
	CALL("no such process", syscall(SYS_rt_sigqueueinfo, 99999, SIGUSR1, &i));
	CALL("bad pointer", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, BAD_POINTER));
	int fd = syscall(SYS_pidfd_open, getpid(), 0);
	i.si_signo = SIGUSR1;
	CALL("by pidfd", syscall(SYS_pidfd_send_signal, fd, SIGUSR1, &i, 0));
	i.si_signo = SIGUSR2;
	CALL("by pidfd with another number inside", syscall(SYS_pidfd_send_signal, fd, SIGUSR1, &i, 0));
	FACT("handled %d", got[SIGUSR1]);
}
