// signal(7): handlers nest; several pending signals are all delivered before the interrupted code goes on.
#include "contract.h"

static volatile int order[16], n;
static void keep(int sig)
{
	order[n++] = sig;
	if (sig == SIGUSR1 && n == 1) {
		raise(SIGUSR2);
		order[n++] = -sig;
	}
}

int main(void)
{
	on_signal(SIGUSR1, keep, 0);
	on_signal(SIGUSR2, keep, 0);
	on_signal(SIGHUP, keep, 0);
	raise(SIGUSR1);
	for (int i = 0; i < n; i++)
		FACT("nested: %s%s", order[i] < 0 ? "end of " : "", signal_name(abs(order[i])));
	n = 5;
	int from = n;
	block(SIGHUP);
	block(SIGUSR1);
	block(SIGUSR2);
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGHUP);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	FACT("delivered at once: %d", n - from);
	for (int i = from; i < n; i++)
		FACT("order: %s", signal_name(order[i]));
}
