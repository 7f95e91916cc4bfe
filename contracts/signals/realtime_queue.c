// signal(7): real-time signals queue, in order of number, each with its value; standard signals do not queue.
#include "contract.h"

static int order[32], values[32], count;
static void keep(int sig, siginfo_t *i, void *context)
{
	order[count] = sig - SIGRTMIN;
	values[count++] = i->si_value.sival_int;
}

int main(void)
{
	struct sigaction a = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO };
	sigfillset(&a.sa_mask);
	for (int i = 0; i < 4; i++)
		sigaction(SIGRTMIN + i, &a, NULL);
	note_signal(SIGUSR1, 0);
	sigset_t all, old;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	int plan[] = { 2, 0, 2, 1, 0, 3 };
	for (int i = 0; i < COUNT_OF(plan); i++)
		sigqueue(getpid(), SIGRTMIN + plan[i], (union sigval){ .sival_int = 10 + i });
	for (int i = 0; i < 3; i++)
		kill(getpid(), SIGUSR1);
	sigprocmask(SIG_SETMASK, &old, NULL);
	for (int i = 0; i < count; i++)
		FACT("SIGRTMIN+%d value %d", order[i], values[i]);
	FACT("SIGUSR1 handled %d", got[SIGUSR1]);
	CALL("sigqueue of signal 0", sigqueue(getpid(), 0, (union sigval){ 0 }));
	CALL("sigqueue of signal 65", sigqueue(getpid(), 65, (union sigval){ 0 }));
	CALL("sigqueue to nobody", sigqueue(0x3ffffff, SIGUSR1, (union sigval){ 0 }));
}
