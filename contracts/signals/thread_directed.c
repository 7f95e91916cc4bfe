// signal(7), tgkill(2), pthread_sigmask(3): a signal for a thread waits for that thread; one for the process goes to any
// thread that does not block it.
#include "contract.h"

static _Atomic int which;
static _Atomic pid_t tid;
static struct gate go, said;
static void who(int sig) { which = thread_id() == getpid() ? 1 : 2; }
static void *thread(void *arg)
{
	tid = thread_id();
	gate_wait(go);
	sigset_t none;
	sigemptyset(&none);
	FACT("thread: pending for it %d", is_pending(SIGUSR1));
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	FACT("handled by %s", which == 1 ? "the first thread" : which == 2 ? "the second thread" : "nobody");
	gate_open(said);
	gate_wait(go);
	return NULL;
}

int main(void)
{
	on_signal(SIGUSR1, who, SA_RESTART);
	go = gate_new();
	said = gate_new();
	block(SIGUSR1);
	pthread_t t = THREAD(thread, NULL);
	EVENTUALLY(tid != 0);
	CALL("tgkill", syscall(SYS_tgkill, getpid(), tid, SIGUSR1));
	FACT("pending for the first thread %d", is_pending(SIGUSR1));
	gate_open(go);
	gate_wait(said);
	which = 0;
	CALL("kill while only the second thread lets it through", kill(getpid(), SIGUSR1));
	EVENTUALLY(which == 2);
	gate_open(go);
	JOIN(t);
	which = 0;
	kill(getpid(), SIGUSR1);
	FACT("now nobody: pending %d", is_pending(SIGUSR1));
	unblock(SIGUSR1);
	FACT("handled by %s", which == 1 ? "the first thread" : "another");
}
