// sigaltstack(2): rules, SA_ONSTACK, and a handler that survives a stack overflow.
#include "contract.h"
#include <setjmp.h>

static char stack[64 * 1024];
static void *seen_at;
static int flags_inside;
static long change_inside;
static void where(int sig)
{
	char here;
	stack_t s, n = { .ss_flags = SS_DISABLE };
	seen_at = &here;
	sigaltstack(NULL, &s);
	flags_inside = s.ss_flags;
	change_inside = sigaltstack(&n, NULL) == -1 ? errno : 0;
}
static sigjmp_buf back;
static void overflowed(int sig) { siglongjmp(back, 1); }
static int recurse(int n)
{
	volatile char use[1024];
	use[0] = n;
	return recurse(n + 1) + use[0];
}

int main(void)
{
	stack_t s = { .ss_sp = stack, .ss_size = sizeof stack }, old;
	CALL("read", sigaltstack(NULL, &old));
	FACT("flags %d", old.ss_flags);
	on_signal(SIGUSR1, where, SA_ONSTACK);
	raise(SIGUSR1);
	IS("without a stack the handler runs on the usual one", (char *)seen_at < stack || (char *)seen_at > stack + sizeof stack);
	CALL("set", sigaltstack(&s, &old));
	raise(SIGUSR1);
	IS("handler on the alternate stack", (char *)seen_at > stack && (char *)seen_at < stack + sizeof stack);
	FACT("flags inside %d, changing it inside: %s", flags_inside, errno_name(change_inside));
	on_signal(SIGUSR1, where, 0);
	raise(SIGUSR1);
	IS("without SA_ONSTACK on the usual one", (char *)seen_at < stack || (char *)seen_at > stack + sizeof stack);
	s.ss_size = 1024;
	CALL("too small", sigaltstack(&s, NULL));
	s.ss_size = sizeof stack;
	s.ss_flags = 17;
	CALL("bad flags", sigaltstack(&s, NULL));
	CALL("bad address", syscall(SYS_sigaltstack, BAD_POINTER, NULL));
	struct rlimit small = { 256 * 1024, 256 * 1024 };
	pid_t pid;
	CHILD(pid)
	{
		setrlimit(RLIMIT_STACK, &small);
		on_signal(SIGSEGV, overflowed, SA_ONSTACK);
		if (sigsetjmp(back, 1) == 0)
			recurse(0);
		FACT("survived a stack overflow");
	}
	ENDED("with a stack", pid);
	CHILD(pid)
	{
		setrlimit(RLIMIT_STACK, &small);
		on_signal(SIGSEGV, overflowed, 0);
		recurse(0);
	}
	ENDED("without", pid);
}
