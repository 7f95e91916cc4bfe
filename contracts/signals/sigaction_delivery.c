// sigaction(2): SA_RESETHAND, SA_NODEFER, sa_mask: what is blocked while a handler runs.
#include "contract.h"

static volatile int depth, deepest, raised;
static void nest(int sig)
{
	sigset_t mask;
	sigprocmask(0, NULL, &mask);
	FACT("in handler: own signal blocked %d, SIGUSR2 blocked %d", sigismember(&mask, SIGUSR1), sigismember(&mask, SIGUSR2));
	if (++depth > deepest)
		deepest = depth;
	if (!raised++)
		raise(SIGUSR1);
	FACT("leaving depth %d", depth);
	depth--;
}

static void run(const char *name, int flags, int also)
{
	struct sigaction a = { .sa_handler = nest, .sa_flags = flags };
	sigemptyset(&a.sa_mask);
	if (also)
		sigaddset(&a.sa_mask, also);
	sigaction(SIGUSR1, &a, NULL);
	deepest = raised = 0;
	FACT("%s", name);
	raise(SIGUSR1);
	FACT("deepest %d", deepest);
	sigset_t mask;
	sigprocmask(0, NULL, &mask);
	FACT("after: own signal blocked %d", sigismember(&mask, SIGUSR1));
}

int main(void)
{
	pid_t pid;
	CHILD(pid) { run("plain (the second is deferred, then runs)", 0, 0); }
	REAP(pid);
	CHILD(pid) { run("SA_NODEFER", SA_NODEFER, 0); }
	REAP(pid);
	CHILD(pid) { run("mask", 0, SIGUSR2); }
	REAP(pid);
	CHILD(pid) { run("SA_RESETHAND: the second kills", SA_RESETHAND | SA_NODEFER, 0); }
	ENDED("child", pid);
}
