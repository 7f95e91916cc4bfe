// wait(2): a handler interrupts it, with SA_RESTART it goes on; threads may wait for each other's children.
#include "contract.h"

static pid_t child;
static void *reap(void *arg) { return (void *)(long)(waitpid(child, NULL, 0) == child); }
static void *reap_own(void *arg)
{
	return (void *)(long)(waitpid(child, NULL, __WNOTHREAD | WNOHANG) == -1 ? errno : 0);
}

int main(void)
{
	struct gate go = gate_new();
	pid_t parent = getpid(), pid;
	note_signal(SIGUSR1, 0);
	CHILD(pid)
	{
		asleep(parent);
		kill(parent, SIGUSR1);
		gate_wait(go);
	}
	CALL("interrupted", waitpid(pid, NULL, 0));
	gate_open(go);
	ENDED("child", pid);
	note_signal(SIGUSR1, SA_RESTART);
	CHILD(pid)
	{
		asleep(parent);
		kill(parent, SIGUSR1);
	}
	IS("restarted", waitpid(pid, NULL, 0) == pid);
	FACT("handled %d", got[SIGUSR1]);
	note_signal(SIGCHLD, 0);
	for (int i = 0; i < 5; i++) {
		CHILD(pid) { asleep(parent); }
		FACT("its own SIGCHLD does not interrupt: %d", waitpid(pid, NULL, 0) == pid);
	}
	FACT("handled %d", got[SIGCHLD]);
	signal(SIGCHLD, SIG_DFL);
	CHILD(child) { gate_wait(go); }
	FACT("__WNOTHREAD from a thread that did not fork: %s", errno_name((long)JOIN(THREAD(reap_own, NULL))));
	gate_open(go);
	IS("another thread reaps it", JOIN(THREAD(reap, NULL)) != NULL);
}
