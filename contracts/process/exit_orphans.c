// exit(2), getppid(2): an orphan's parent becomes the nearest child subreaper (PR_SET_CHILD_SUBREAPER).
#include "contract.h"

int main(void)
{
	CALL("become a subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1));
	int is = 0;
	CALL("read it back", prctl(PR_GET_CHILD_SUBREAPER, &is));
	FACT("subreaper %d", is);
	struct gate go = gate_new();
	pid_t self = getpid(), pid, orphan = 0;
	int out[2];
	MUST(pipe(out));
	CHILD(pid)
	{
		prctl(PR_GET_CHILD_SUBREAPER, &is);
		FACT("inherited: %d", is);
		pid_t grandchild;
		CHILD(grandchild)
		{
			gate_wait(go);
			IS("orphan's parent is the subreaper", getppid() == self);
			_exit(21);
		}
		write(out[1], &grandchild, sizeof grandchild);
		_exit(20);
	}
	ENDED("child", pid);
	read(out[0], &orphan, sizeof orphan);
	gate_open(go);
	int status;
	IS("the subreaper reaps the orphan", waitpid(-1, &status, 0) == orphan);
	SAY_STATUS("orphan", status);
}
