// prctl(2): PR_SET_PDEATHSIG is sent when the parent ends.
#include "contract.h"

int main(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	struct gate ready = gate_new();
	pid_t pid, middle;
	int out[2];
	pipe(out);
	CHILD(middle)
	{
		CHILD(pid)
		{
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			gate_open(ready);
			for (;;)
				pause();
		}
		write(out[1], &pid, sizeof pid);
		gate_wait(ready);
		_exit(0);
	}
	ENDED("parent", middle);
	read(out[0], &pid, sizeof pid);
	ENDED("its child", pid);
}
