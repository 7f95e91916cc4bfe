// pthread_cancel(3): Debian's C library unwinds a cancelled thread, blocked or running; clean-up handlers; atfork; abort.
// libc: glibc
#include "contract.h"

static _Atomic pid_t tid;
static _Atomic int cleaned;
static int p[2];
static void clean(void *arg) { cleaned += (long)arg; }
static void *blocked(void *arg)
{
	char b;
	pthread_cleanup_push(clean, (void *)1);
	pthread_cleanup_push(clean, (void *)10);
	tid = thread_id();
	read(p[0], &b, 1);
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return NULL;
}
static void *spinning(void *arg)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	tid = thread_id();
	for (;;)
		;
}
static void *disabled(void *arg)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	tid = thread_id();
	char b;
	read(p[0], &b, 1);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_testcancel();
	return (void *)1;
}
static void cancel(const char *name, void *(*run)(void *), bool sleeps)
{
	tid = 0;
	pthread_t t = THREAD(run, NULL);
	EVENTUALLY(tid != 0);
	if (sleeps)
		asleep(tid);
	pthread_cancel(t);
	if (run == disabled)
		write(p[1], "x", 1);
	IS(name, JOIN(t) == PTHREAD_CANCELED);
}
static void before(void) { FACT("atfork: before"); }
static void child(void) { FACT("atfork: child"); }

int main(void)
{
	pipe(p);
	cancel("blocked in read", blocked, true);
	FACT("clean-up %d", cleaned);
	cancel("spinning", spinning, false);
	cancel("disabled until it enables", disabled, true);
	pthread_atfork(before, NULL, child);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	ENDED("child", pid);
	CHILD(pid) { abort(); }
	ENDED("abort", pid);
	CHILD(pid)
	{
		sigset_t all;
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		signal(SIGABRT, SIG_IGN);
		abort();
	}
	ENDED("abort, blocked and ignored", pid);
	CHILD(pid)
	{
		char *volatile q = malloc(10);
		free(q);
		dup2(open("/dev/null", O_WRONLY), 2);
		free(q);
	}
	ENDED("a double free", pid);
}
