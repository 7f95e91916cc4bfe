// wait(2), sigaction(2): with SIGCHLD ignored or SA_NOCLDWAIT children leave no zombie, and wait blocks until all end.
#include "contract.h"

int main(void)
{
	pid_t pid;
	signal(SIGCHLD, SIG_IGN);
	CHILD(pid) { pause_ms(20); }
	CALL("wait returns when the last child is gone", wait(NULL));
	EVENTUALLY(kill(pid, 0) == -1);
	CALL("no trace of it", kill(pid, 0));
	struct sigaction a = { .sa_handler = note, .sa_flags = SA_NOCLDWAIT };
	MUST(sigaction(SIGCHLD, &a, NULL));
	CHILD(pid) { _exit(3); }
	errno = 0;
	int r;
	do
		r = wait(NULL);
	while (r == -1 && errno == EINTR);
	CALL("SA_NOCLDWAIT", wait(NULL));
	FACT("SIGCHLD delivered: %d", got[SIGCHLD]);
	signal(SIGCHLD, SIG_DFL);
	CHILD(pid) { _exit(3); }
	ENDED("default disposition", pid);
}
