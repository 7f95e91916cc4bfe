// waitid(2): siginfo of each kind of change, WNOWAIT, WEXITED and others needed, P_PID, P_PGID, P_ALL, P_PIDFD.
#include "contract.h"

static void show(const char *name, siginfo_t *i, pid_t pid)
{
	FACT("%s: signo %s code %d status %d pid %s", name, signal_name(i->si_signo), i->si_code, i->si_status,
		i->si_pid == pid ? "child" : i->si_pid == 0 ? "0" : "other");
}

int main(void)
{
	siginfo_t i;
	pid_t pid;
	struct gate go = gate_new();
	CALL("no options", waitid(P_ALL, 0, &i, 0));
	CALL("no children", waitid(P_ALL, 0, &i, WEXITED));
	CALL("bad idtype", waitid(17, 0, &i, WEXITED));
	CHILD(pid)
	{
		raise(SIGSTOP);
		gate_wait(go);
		_exit(33);
	}
	memset(&i, 0, sizeof i);
	CALL("WSTOPPED", waitid(P_PID, pid, &i, WSTOPPED));
	show("stopped", &i, pid);
	memset(&i, 0x55, sizeof i);
	CALL("WNOHANG, nothing", waitid(P_PID, pid, &i, WEXITED | WNOHANG));
	FACT("si_pid %d si_signo %d", i.si_pid, i.si_signo);
	kill(pid, SIGCONT);
	CALL("WCONTINUED", waitid(P_ALL, 0, &i, WCONTINUED));
	show("continued", &i, pid);
	gate_open(go);
	CALL("WEXITED|WNOWAIT", waitid(P_ALL, 0, &i, WEXITED | WNOWAIT));
	show("exited", &i, pid);
	CALL("again, by group", waitid(P_PGID, getpgrp(), &i, WEXITED));
	show("exited", &i, pid);
	CALL("gone", waitid(P_PID, pid, &i, WEXITED));
	CHILD(pid) { raise(SIGKILL); }
	CALL("killed", waitid(P_PID, pid, &i, WEXITED));
	show("killed", &i, pid);
	CHILD(pid) { _exit(1); }
	int fd = syscall(SYS_pidfd_open, pid, 0);
	CALL("P_PIDFD", waitid(3, fd, &i, WEXITED));
	show("by pidfd", &i, pid);
	CHILD(pid) { _exit(1); }
	CALL("null siginfo", waitid(P_PID, pid, NULL, WEXITED));
}
