// sigaltstack(2): SS_AUTODISARM disables the stack while a handler runs; fork keeps it, a thread does not get it.
#include "contract.h"

static char stack[64 * 1024];
static int flags_inside;
static void look(int sig)
{
	stack_t s;
	sigaltstack(NULL, &s);
	flags_inside = s.ss_flags;
}
static void *thread(void *arg)
{
	stack_t s;
	sigaltstack(NULL, &s);
	FACT("in a new thread: flags %d", s.ss_flags);
	return NULL;
}

int main(void)
{
	stack_t s = { .ss_sp = stack, .ss_size = sizeof stack, .ss_flags = 1U << 31 };
	CALL("SS_AUTODISARM", sigaltstack(&s, NULL));
	on_signal(SIGUSR1, look, SA_ONSTACK);
	raise(SIGUSR1);
	FACT("flags inside %d", flags_inside);
	sigaltstack(NULL, &s);
	FACT("flags afterwards %#x", s.ss_flags);
	pid_t pid;
	CHILD(pid)
	{
		sigaltstack(NULL, &s);
		FACT("in a child: flags %#x, same place %d", s.ss_flags, s.ss_sp == stack);
	}
	REAP(pid);
	JOIN(THREAD(thread, NULL));
}
