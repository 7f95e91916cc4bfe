// signal(7): a fatal signal in one thread ends the whole process, a stop stops all threads.
#include "contract.h"

static _Atomic long *count;
static void *spin(void *arg)
{
	for (;;)
		(*count)++;
}
static void *crash(void *arg)
{
	*(volatile int *)0 = 1;
	return NULL;
}

int main(void)
{
	count = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	CHILD(pid)
	{
		THREAD(spin, NULL);
		JOIN(THREAD(crash, NULL));
	}
	ENDED("a thread crashes", pid);
	*count = 0;
	CHILD(pid)
	{
		THREAD(spin, NULL);
		for (;;)
			pause();
	}
	EVENTUALLY(*count > 0);
	kill(pid, SIGSTOP);
	int s;
	waitpid(pid, &s, WUNTRACED);
	SAY_STATUS("process", s);
	long at = *count;
	pause_ms(20);
	IS("its spinning thread is stopped", *count == at);
	kill(pid, SIGCONT);
	EVENTUALLY(*count != at);
	kill(pid, SIGKILL);
	ENDED("process", pid);
}
