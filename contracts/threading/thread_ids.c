// gettid(2), getpid(2), clone(2): threads share the process's id, and have their own ids, names and masks.
#include "contract.h"

static _Atomic pid_t tid;
static void *thread(void *arg)
{
	tid = thread_id();
	IS("own id", tid != getpid());
	IS("same process", getpid() == *(pid_t *)arg);
	prctl(PR_SET_NAME, "second");
	block(SIGUSR2);
	umask(055);
	setpriority(PRIO_PROCESS, 0, 4);
	return NULL;
}

int main(void)
{
	pid_t self = getpid();
	JOIN(THREAD(thread, &self));
	char name[17] = "";
	prctl(PR_GET_NAME, name);
	IS("the first thread's name is kept", strcmp(name, "second") != 0);
	sigset_t mask;
	sigprocmask(0, NULL, &mask);
	FACT("mask is each thread's own: %d", sigismember(&mask, SIGUSR2));
	FACT("umask is shared: %o", umask(0));
	CALL("nice value is each thread's own", getpriority(PRIO_PROCESS, 0));
	EVENTUALLY(syscall(SYS_tgkill, self, tid, 0) == -1);
	CALL("a signal to an ended thread", syscall(SYS_tgkill, self, tid, 0));
	CALL("kill by a thread's id of nobody", kill(tid, 0));
	CALL("waitpid for a thread", waitpid(tid, NULL, 0));
}
