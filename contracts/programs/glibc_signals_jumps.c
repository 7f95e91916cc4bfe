// sigsetjmp(3), swapcontext(3), sigqueue(3), sigwait(3), backtrace apart: signals through Debian's C library.
// libc: glibc
#include "contract.h"
#include <setjmp.h>
#include <stdlib.h>

static sigjmp_buf env;
static volatile int caught, value;
static void jump(int sig)
{
	caught = sig;
	siglongjmp(env, 1);
}
static void info(int sig, siginfo_t *i, void *context) { value = i->si_value.sival_int; }
static ucontext_t first, second;
static int steps;
static void coroutine(void)
{
	for (int i = 0; i < 3; i++) {
		steps = steps * 10 + i + 1;
		swapcontext(&second, &first);
	}
}
static double average(double a, double b) { return (a + b) / 2; }

int main(void)
{
	on_signal(SIGSEGV, jump, 0);
	for (int i = 0; i < 3; i++)
		if (sigsetjmp(env, 1) == 0)
			*(volatile int *)8 = 1;
		else
			FACT("came back from %s, unblocked %d", signal_name(caught), !sigismember(&(sigset_t){ 0 }, SIGSEGV));
	on_signal(SIGFPE, jump, SA_NODEFER);
	if (sigsetjmp(env, 0) == 0)
		raise(SIGFPE);
	else
		FACT("raise: %s", signal_name(caught));
	struct sigaction sa = { .sa_sigaction = info, .sa_flags = SA_SIGINFO };
	sigaction(SIGRTMIN + 1, &sa, NULL);
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 1234 });
	FACT("queued value %d; SIGRTMIN %d SIGRTMAX %d", value, SIGRTMIN, SIGRTMAX);
	static char stack[32768];
	getcontext(&second);
	second.uc_stack.ss_sp = stack;
	second.uc_stack.ss_size = sizeof stack;
	second.uc_link = &first;
	makecontext(&second, coroutine, 0);
	double d = average(1, 2);
	for (int i = 0; i < 3; i++)
		swapcontext(&first, &second);
	FACT("coroutine %d, floating point kept %.1f", steps, d);
	block(SIGUSR1);
	raise(SIGUSR1);
	sigset_t s = set_of(SIGUSR1);
	int sig = 0;
	ERR("sigwait", sigwait(&s, &sig));
	FACT("%s", signal_name(sig));
	note_signal(SIGALRM, 0);
	ualarm(5000, 5000);
	pause();
	ualarm(0, 0);
	IS("alarm", got[SIGALRM] >= 1);
	FACT("%s; %s", strsignal(SIGTERM), strerror(ENOENT));
	timer_t t;
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	note_signal(SIGUSR2, 0);
	MUST(timer_create(CLOCK_MONOTONIC, &e, &t));
	timer_settime(t, 0, &(struct itimerspec){ .it_value.tv_nsec = 2000000 }, NULL);
	EVENTUALLY(got[SIGUSR2] == 1);
	FACT("timer %d", got[SIGUSR2]);
}
