// sigaction(2): SA_NOCLDSTOP; SIGCHLD's codes for stop, continue and end.
#include "contract.h"

static volatile int codes[16], n;
static void keep(int sig, siginfo_t *i, void *context) { codes[n++] = i->si_code; }

static void run(const char *name, int flags)
{
	struct sigaction a = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO | flags };
	sigaction(SIGCHLD, &a, NULL);
	n = 0;
	pid_t pid;
	CHILD(pid)
	{
		for (;;)
			pause();
	}
	int s;
	kill(pid, SIGSTOP);
	while (waitpid(pid, &s, WUNTRACED) == -1)
		;
	if (flags == 0) // wait sees a change before the child tells of it, and two signals would be one
		EVENTUALLY(n == 1);
	kill(pid, SIGCONT);
	while (waitpid(pid, &s, WCONTINUED) == -1)
		;
	if (flags == 0)
		EVENTUALLY(n == 2);
	kill(pid, SIGKILL);
	while (waitpid(pid, &s, 0) == -1)
		;
	for (int i = 0; i < n; i++)
		FACT("%s: code %d", name, codes[i]);
}

int main(void)
{
	run("plain", 0);
	run("SA_NOCLDSTOP", SA_NOCLDSTOP);
}
