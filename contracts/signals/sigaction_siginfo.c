// sigaction(2): siginfo of kill, raise, sigqueue, tgkill and a child's end.
#include "contract.h"
#include <sys/syscall.h>

static siginfo_t seen;
static void keep(int sig, siginfo_t *i, void *context) { seen = *i; }
static void show(const char *name)
{
	FACT("%s: %s code %d, pid %s, uid is mine %d, value %d", name, signal_name(seen.si_signo), seen.si_code,
		seen.si_pid == getpid() ? "own" : seen.si_pid == 0 ? "0" : "other", seen.si_uid == getuid(), seen.si_value.sival_int);
	memset(&seen, 0, sizeof seen);
}

int main(void)
{
	struct sigaction a = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO };
	sigaction(SIGUSR1, &a, NULL);
	sigaction(SIGCHLD, &a, NULL);
	kill(getpid(), SIGUSR1);
	seen.si_value.sival_int = 0;
	show("kill");
	syscall(SYS_tgkill, getpid(), thread_id(), SIGUSR1);
	seen.si_value.sival_int = 0;
	show("tgkill");
	CALL("sigqueue", sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 1234 }));
	show("sigqueue");
	pid_t pid;
	CHILD(pid) { _exit(17); }
	EVENTUALLY(seen.si_signo == SIGCHLD);
	FACT("SIGCHLD: code %d status %d, from the child %d", seen.si_code, seen.si_status, seen.si_pid == pid);
	REAP(pid);
	CHILD(pid)
	{
		kill(getppid(), SIGUSR1);
	}
	REAP(pid);
	siginfo_t i = { .si_code = SI_QUEUE, .si_pid = 7, .si_uid = 8, .si_value.sival_int = 9 };
	CALL("rt_sigqueueinfo", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &i));
	FACT("forged: code %d pid %d uid %d value %d", seen.si_code, seen.si_pid, seen.si_uid, seen.si_value.sival_int);
	i.si_code = SI_USER;
	CHILD(pid) { CALL("a forged SI_USER to another process", syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, &i)); }
	REAP(pid);
	CALL("to oneself", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &i));
}
