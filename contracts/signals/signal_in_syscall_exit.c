// signal(7): a signal that a process sends to itself and does not block is delivered before kill returns.
#include "contract.h"

int main(void)
{
	note_signal(SIGUSR1, 0);
	for (int i = 1; i <= 3; i++) {
		kill(getpid(), SIGUSR1);
		FACT("after kill %d: handled %d", i, got[SIGUSR1]);
	}
	raise(SIGUSR1);
	FACT("after raise: handled %d", got[SIGUSR1]);
	errno = 5;
	kill(getpid(), SIGUSR1);
	FACT("errno kept across a handler that makes no calls: %d", errno);
	alarm(0);
	struct itimerval t = { .it_value = { 0, 1000 } };
	note_signal(SIGALRM, 0);
	setitimer(ITIMER_REAL, &t, NULL);
	long long end = now_ms() + PATIENCE * 1000;
	volatile long spins = 0;
	while (!got[SIGALRM] && spins < 2000000000)
		spins++;
	FACT("a loop that makes no calls is interrupted: %d", got[SIGALRM]);
}
