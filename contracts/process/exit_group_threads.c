// exit_group(2): ends every thread, blocked or running; exit(2) of the first thread does not end the process.
#include "contract.h"

static void *spin(void *arg)
{
	for (volatile int i = 0;; i++)
		;
}
static void *sleep_long(void *arg)
{
	for (;;)
		pause();
}
static void *end_later(void *arg)
{
	asleep(*(pid_t *)arg);
	pause_ms(10);
	_exit(7);
}

int main(void)
{
	pid_t pid;
	CHILD(pid)
	{
		THREAD(spin, NULL);
		THREAD(sleep_long, NULL);
		pause_ms(10);
		_exit(5);
	}
	ENDED("exit_group with a spinning and a sleeping thread", pid);
	CHILD(pid)
	{
		static pid_t self;
		self = getpid();
		THREAD(end_later, &self);
		pause();
	}
	ENDED("exit_group from another thread", pid);
	CHILD(pid)
	{
		static pid_t gone = -1;
		THREAD(end_later, &gone);
		syscall(SYS_exit, 1);
	}
	ENDED("the first thread leaves, another ends the process", pid);
}
