// sigaction(2), sigreturn(2): a handler may change the interrupted context: the mask, and registers.
#include "contract.h"

static void change_mask(int sig, siginfo_t *i, void *context)
{
	ucontext_t *u = context;
	sigaddset((sigset_t *)&u->uc_sigmask, SIGUSR2);
	sigaddset((sigset_t *)&u->uc_sigmask, SIGKILL);
}
static void skip(int sig, siginfo_t *i, void *context)
{
	ucontext_t *u = context;
#ifdef __x86_64__
	u->uc_mcontext.gregs[REG_RIP] += 2;
	u->uc_mcontext.gregs[REG_RAX] = 77;
#else
	u->uc_mcontext.pc += 4;
	u->uc_mcontext.regs[0] = 77;
#endif
}

int main(void)
{
	struct sigaction a = { .sa_sigaction = change_mask, .sa_flags = SA_SIGINFO };
	sigaction(SIGUSR1, &a, NULL);
	raise(SIGUSR1);
	sigset_t mask;
	sigprocmask(0, NULL, &mask);
	FACT("SIGUSR2 blocked %d, SIGKILL blocked %d", sigismember(&mask, SIGUSR2), sigismember(&mask, SIGKILL));
	a.sa_sigaction = skip;
	sigaction(SIGILL, &a, NULL);
	long value;
#ifdef __x86_64__
	__asm__ volatile("mov $5, %%rax; ud2; mov %%rax, %0" : "=r"(value) : : "rax");
#else
	__asm__ volatile("mov x0, #5; .inst 0; mov %0, x0" : "=r"(value) : : "x0");
#endif
	FACT("register after the handler changed it: %ld", value);
}
