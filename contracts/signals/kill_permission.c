// kill(2): an unprivileged process may signal its own user's, not others'.
// run: user
#include "contract.h"

int main(void)
{
	CALL("pid 1, signal 0", kill(1, 0));
	CALL("pid 1, SIGTERM", kill(1, SIGTERM));
	CALL("pid 1, bad signal", kill(1, 65));
	pid_t pid;
	CHILD(pid) { pause(); }
	CALL("own child", kill(pid, SIGTERM));
	ENDED("child", pid);
	CHILD(pid)
	{
		setsid();
		pause();
	}
	EVENTUALLY(getsid(pid) == pid);
	CALL("another session of the same user", kill(pid, SIGKILL));
	ENDED("child", pid);
}
