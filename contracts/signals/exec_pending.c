// execve(2), signal(7): a signal that is pending when a process executes is delivered to the new program.
#include "contract.h"

int main(int argc, char **argv)
{
	if (argc > 1) {
		FACT("pending %d", is_pending(SIGUSR1));
		unblock(SIGUSR1);
		FACT("not reached");
		return 1;
	}
	pid_t pid;
	CHILD(pid)
	{
		note_signal(SIGUSR1, 0);
		block(SIGUSR1);
		raise(SIGUSR1);
		execl("/proc/self/exe", "x", "1", NULL);
	}
	ENDED("default action in the new program", pid);
}
