// ptrace(2): threads are traced one by one; the end of one is reported, and execve by one makes it the leader.
#include "contract.h"
#include "ptrace.h"

static void *waits(void *arg)
{
	char c;
	read(*(int *)arg, &c, 1);
	return NULL;
}

static void *executes(void *arg UNUSED)
{
	execl("/proc/self/exe", "tracee", "exec", NULL);
	return NULL;
}

static void *leaves(void *arg UNUSED)
{
	syscall(SYS_exit, 5);
	return NULL;
}

static void *attaches(void *arg)
{
	pid_t pid = *(pid_t *)arg;
	MUST(trace(PTRACE_SEIZE, pid, 0, 0));
	MUST(trace(PTRACE_INTERRUPT, pid, 0, 0));
	return NULL;
}

static void go(pid_t pid) { MUST(trace(PTRACE_CONT, pid, 0, 0)); }

int main(int argc, char **argv UNUSED)
{
	if (argc > 1)
		return 6;
	pid_t pid, a, b;
	TRACED(pid)
	{
		static int p[2];
		pipe(p);
		THREAD(waits, &p[0]);
		THREAD(leaves, NULL);
		THREAD(executes, NULL);
		for (;;)
			pause();
	}
	quiet(pid);
	MUST(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC));
	go(pid);
	NEXT("a thread", pid);
	a = message(pid);
	go(pid);
	NEXT("begins", a);
	FACT("state %c, its tracer is this: %d", state(a), tracer(a) == getpid());
	go(a);
	NEXT("another", pid);
	b = message(pid);
	go(pid);
	NEXT("begins", b);
	go(b);
	NEXT("ends", b);
	CALL("is gone", waitpid(b, NULL, __WALL | WNOHANG));
	NEXT("a third", pid);
	b = message(pid);
	go(pid);
	NEXT("begins", b);
	asleep(a);
	asleep(pid);
	go(b);
	NEXT("the first ends", a);
	NEXT("the third executes, under the leader's ID", pid);
	FACT("message is its own ID: %d", message(pid) == (unsigned long)b);
	CALL("the third's", waitpid(b, NULL, __WALL | WNOHANG));
	go(pid);
	NEXT("the end", pid);

	FACT("-- the tracer is a thread");
	CHILD(pid)
	{
		for (;;)
			pause();
	}
	asleep(pid);
	JOIN(THREAD(attaches, &pid));
	EVENTUALLY(tracer(pid) == 0);
	FACT("its end is the tracing's: %d", tracer(pid) == 0);
	asleep(pid);
	kill(pid, SIGTERM);
	NEXT("the end", pid);
}
