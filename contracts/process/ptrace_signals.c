// ptrace(2): a tracer sees each signal first, and decides which one is delivered, if any.
#include "contract.h"
#include "ptrace.h"

static volatile sig_atomic_t last_code;
static void handler(int sig UNUSED, siginfo_t *i, void *c UNUSED) { last_code = i->si_code; }

static void tracee(void)
{
	struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	sigaction(SIGUSR2, &a, NULL);
	raise(SIGUSR1); // suppressed
	raise(SIGUSR1); // becomes SIGUSR2
	if (last_code != SI_USER)
		_exit(1);
	raise(SIGUSR2); // its information changes
	if (last_code != SI_QUEUE)
		_exit(2);
	signal(SIGWINCH, SIG_IGN);
	raise(SIGWINCH); // ignored, but seen
	block(SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 7 });
	block(SIGRTMIN);
	for (int i = 1; i <= 3; i++)
		sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = i });
	raise(SIGUSR1); // blocked: pending
	raise(SIGSTOP); // a look at what is pending
	for (;;)
		pause();
}

int main(void)
{
	pid_t pid;
	siginfo_t i;
	TRACED(pid)
	{
		tracee();
	}
	quiet(pid);
	trace(PTRACE_CONT, pid, 0, 0);
	NEXT("first", pid);
	CALL("PTRACE_GETSIGINFO", trace(PTRACE_GETSIGINFO, pid, 0, (long)&i));
	FACT("%s, code %d, from itself: %d", signal_name(i.si_signo), i.si_code, i.si_pid == pid);
	trace(PTRACE_CONT, pid, 0, 0);
	NEXT("second", pid);
	trace(PTRACE_CONT, pid, 0, SIGUSR2);
	NEXT("third", pid);
	MUST(trace(PTRACE_GETSIGINFO, pid, 0, (long)&i));
	i.si_code = SI_QUEUE;
	CALL("PTRACE_SETSIGINFO", trace(PTRACE_SETSIGINFO, pid, 0, (long)&i));
	trace(PTRACE_CONT, pid, 0, SIGUSR2);
	NEXT("an ignored signal", pid);
	trace(PTRACE_CONT, pid, 0, SIGWINCH);
	NEXT("a real-time signal", pid);
	MUST(trace(PTRACE_GETSIGINFO, pid, 0, (long)&i));
	FACT("value %d, code %d", i.si_int, i.si_code);
	trace(PTRACE_CONT, pid, 0, 0);
	NEXT("SIGSTOP", pid);

	struct {
		uint64_t off;
		uint32_t flags;
		int32_t nr;
	} args = { 0, 1, 8 };
	siginfo_t list[8];
	CALL("PTRACE_PEEKSIGINFO, the process's", trace(PTRACE_PEEKSIGINFO, pid, (long)&args, (long)list));
	FACT("values %d %d %d", list[0].si_int, list[1].si_int, list[2].si_int);
	args.off = 2;
	CALL("from the third on", trace(PTRACE_PEEKSIGINFO, pid, (long)&args, (long)list));
	args = (typeof(args)){ 0, 0, 8 };
	CALL("the thread's", trace(PTRACE_PEEKSIGINFO, pid, (long)&args, (long)list));
	FACT("%s", signal_name(list[0].si_signo));
	args.flags = 2;
	CALL("a bad flag", trace(PTRACE_PEEKSIGINFO, pid, (long)&args, (long)list));
	uint64_t mask = 0;
	CALL("PTRACE_GETSIGMASK of a wrong size", trace(PTRACE_GETSIGMASK, pid, 4, (long)&mask));
	CALL("PTRACE_GETSIGMASK", trace(PTRACE_GETSIGMASK, pid, 8, (long)&mask));
	FACT("SIGUSR1 %d SIGUSR2 %d", (int)(mask >> (SIGUSR1 - 1) & 1), (int)(mask >> (SIGUSR2 - 1) & 1));
	mask &= ~(1ULL << (SIGUSR1 - 1));
	CALL("PTRACE_SETSIGMASK", trace(PTRACE_SETSIGMASK, pid, 8, (long)&mask));
	trace(PTRACE_CONT, pid, 0, 0);
	NEXT("open again", pid);
	trace(PTRACE_CONT, pid, 0, SIGTERM);
	NEXT("the end", pid);
}
