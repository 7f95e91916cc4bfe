// wait(2), kill(2): a zombie can be signalled, is seen in procfs as Z, and keeps its group.
#include "contract.h"

int main(void)
{
	pid_t pid;
	CHILD(pid)
	{
		setpgid(0, 0);
		_exit(11);
	}
	siginfo_t i;
	MUST(waitid(P_PID, pid, &i, WEXITED | WNOWAIT));
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FACT("state %s", line_of(get_file(path), "State:"));
	CALL("kill(pid, 0)", kill(pid, 0));
	CALL("kill(pid, SIGKILL)", kill(pid, SIGKILL));
	IS("getpgid", getpgid(pid) == pid);
	CALL("kill of its group", kill(-pid, 0));
	snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
	FACT("cmdline is '%s'", get_file(path));
	ENDED("reaped", pid);
	CALL("kill afterwards", kill(pid, 0));
	CALL("kill of its group afterwards", kill(-pid, 0));
	CALL("getpgid afterwards", getpgid(pid));
}
