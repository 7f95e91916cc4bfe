// mq_notify(3): a signal at a message for an empty queue, once; not while a receiver waits; only one may ask.
#include "contract.h"
#include <mqueue.h>

static volatile int code, value;
static void handler(int sig, siginfo_t *info, void *context)
{
	code = info->si_code;
	value = info->si_value.sival_int;
	got[sig]++;
}

int main(void)
{
	struct mq_attr want = { .mq_maxmsg = 4, .mq_msgsize = 16 };
	char b[16];
	int q = MUST(mq_open("/notify", O_RDWR | O_CREAT, 0600, &want));
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	sigaction(SIGUSR1, &sa, NULL);
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77 };
	CALL("ask", mq_notify(q, &e));
	CALL("ask again", mq_notify(q, &e));
	pid_t pid;
	CHILD(pid) { CALL("another asks", mq_notify(q, &e)); }
	REAP(pid);
	mq_send(q, "a", 1, 0);
	FACT("signals %d, SI_MESGQ %d, value %d", got[SIGUSR1], code == SI_MESGQ, value);
	mq_send(q, "b", 1, 0);
	FACT("only once: %d", got[SIGUSR1]);
	CALL("ask anew", mq_notify(q, &e));
	mq_send(q, "c", 1, 0);
	FACT("not empty, so none: %d", got[SIGUSR1]);
	while (mq_receive(q, b, sizeof b, NULL) > 0 && b[0] != 'c')
		;
	CHILD(pid) { CALL("a waiting receiver", mq_receive(q, b, sizeof b, NULL)); }
	asleep(pid);
	mq_send(q, "d", 1, 0);
	REAP(pid);
	FACT("it got the message, no signal: %d", got[SIGUSR1]);
	mq_send(q, "e", 1, 0);
	FACT("now: %d", got[SIGUSR1]);
	CALL("withdraw with nothing asked", mq_notify(q, NULL));
	e.sigev_notify = 99;
	CALL("bad notification", mq_notify(q, &e));
	mq_unlink("/notify");
}
