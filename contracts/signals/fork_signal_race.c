// signal(7): a storm of signals between two processes loses nothing that queues, and no handler runs twice.
#include "contract.h"

int main(void)
{
	enum { N = 200 };
	note_signal(SIGRTMIN, 0);
	block(SIGRTMIN);
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		for (int i = 0; i < N; i++)
			MUST(sigqueue(parent, SIGRTMIN, (union sigval){ .sival_int = i }));
	}
	sigset_t s = set_of(SIGRTMIN);
	siginfo_t info;
	struct timespec t = { PATIENCE, 0 };
	int in_order = 0;
	for (int i = 0; i < N; i++)
		in_order += sigtimedwait(&s, &info, &t) == SIGRTMIN && info.si_value.sival_int == i;
	FACT("%d of %d in order", in_order, N);
	REAP(pid);
	CHILD(pid)
	{
		for (int i = 0; i < N; i++)
			MUST(sigqueue(parent, SIGRTMIN, (union sigval){ .sival_int = i }));
	}
	unblock(SIGRTMIN);
	EVENTUALLY(got[SIGRTMIN] >= N);
	REAP(pid);
	FACT("handled %d", got[SIGRTMIN]);
}
