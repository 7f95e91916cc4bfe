// pause(2): returns EINTR after a handler ran, and not for an ignored signal or for a stop and continue.
#include "contract.h"

int main(void)
{
	note_signal(SIGUSR1, SA_RESTART);
	signal(SIGUSR2, SIG_IGN);
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		asleep(parent);
		kill(parent, SIGUSR2);
		kill(parent, SIGCHLD);
		kill(parent, SIGSTOP);
		char path[40];
		snprintf(path, sizeof path, "/proc/%d/status", parent);
		EVENTUALLY(line_of(get_file(path), "State:")[0] == 'T');
		kill(parent, SIGCONT);
		asleep(parent);
		FACT("still waiting");
		kill(parent, SIGUSR1);
	}
	CALL("pause", pause());
	FACT("handled %d", got[SIGUSR1]);
	REAP(pid);
}
