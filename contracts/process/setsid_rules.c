// setsid(2), getsid(2): a group leader cannot; a new session has a new group and no terminal.
#include "contract.h"

int main(void)
{
	pid_t pid, parent_session = getsid(0);
	CALL("group leader", setsid());
	CALL("getsid of nobody", getsid(0x3ffffff));
	CHILD(pid)
	{
		IS("child's session is the parent's", getsid(0) == parent_session);
		IS("setsid returns the pid", setsid() == getpid());
		IS("session", getsid(0) == getpid());
		IS("group", getpgrp() == getpid());
		CALL("/dev/tty", open("/dev/tty", O_RDWR));
		CALL("again", setsid());
		pid_t inner;
		CHILD(inner)
		{
			setpgid(0, 0);
			CALL("a leader of a group only", setsid());
		}
		REAP(inner);
	}
	ENDED("child", pid);
}
