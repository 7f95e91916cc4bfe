// signal(7): the terminal's stop signals do not stop a process of an orphaned group; SIGSTOP does. SIGCONT discards
// pending stop signals and the reverse.
#include "contract.h"

int main(void)
{
	struct gate go = gate_new();
	pid_t pid;
	int s;
	CHILD(pid)
	{
		setsid();
		kill(getpid(), SIGTSTP);
		kill(getpid(), SIGTTIN);
		kill(getpid(), SIGTTOU);
		_exit(1);
	}
	waitpid(pid, &s, WUNTRACED);
	SAY_STATUS("orphaned group", s);
	CHILD(pid)
	{
		setpgid(0, 0);
		kill(getpid(), SIGTSTP);
		_exit(2);
	}
	waitpid(pid, &s, WUNTRACED);
	SAY_STATUS("a group with a parent in the session", s);
	kill(pid, SIGCONT);
	ENDED("continued", pid);
	block(SIGCONT);
	block(SIGTSTP);
	kill(getpid(), SIGTSTP);
	FACT("SIGTSTP pending %d", is_pending(SIGTSTP));
	kill(getpid(), SIGCONT);
	FACT("SIGTSTP pending %d, SIGCONT pending %d", is_pending(SIGTSTP), is_pending(SIGCONT));
	kill(getpid(), SIGTSTP);
	FACT("SIGTSTP pending %d, SIGCONT pending %d", is_pending(SIGTSTP), is_pending(SIGCONT));
}
