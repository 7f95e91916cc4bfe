// prctl(2): PR_SET_DUMPABLE: who clears it, and exec restores it.
#include "contract.h"

int main(int argc, char **argv)
{
	if (argc > 1) {
		CALL(argv[1], prctl(PR_GET_DUMPABLE));
		return 0;
	}
	CALL("at first", prctl(PR_GET_DUMPABLE));
	CALL("2 cannot be set", prctl(PR_SET_DUMPABLE, 2));
	CALL("off", prctl(PR_SET_DUMPABLE, 0));
	CALL("is off", prctl(PR_GET_DUMPABLE));
	pid_t pid;
	CHILD(pid)
	{
		CALL("inherited", prctl(PR_GET_DUMPABLE));
		execl("/proc/self/exe", "x", "exec turns it on", NULL);
	}
	REAP(pid);
	CALL("on", prctl(PR_SET_DUMPABLE, 1));
	CHILD(pid)
	{
		setresuid(0, 0, 0);
		CALL("ids that stay", prctl(PR_GET_DUMPABLE));
		seteuid(1000);
		CALL("seteuid", prctl(PR_GET_DUMPABLE));
		prctl(PR_SET_DUMPABLE, 1);
		seteuid(0);
		CALL("seteuid back", prctl(PR_GET_DUMPABLE));
		prctl(PR_SET_DUMPABLE, 1);
		setegid(5);
		CALL("setegid", prctl(PR_GET_DUMPABLE));
		prctl(PR_SET_DUMPABLE, 1);
		syscall(SYS_setfsuid, 7);
		CALL("setfsuid", prctl(PR_GET_DUMPABLE));
		prctl(PR_SET_DUMPABLE, 1);
		setresuid(1000, 0, 0);
		CALL("only the real", prctl(PR_GET_DUMPABLE));
	}
	REAP(pid);
	CHILD(pid)
	{
		setuid(1000);
		CALL("setuid", prctl(PR_GET_DUMPABLE));
		execl("/proc/self/exe", "x", "exec by a user", NULL);
	}
	REAP(pid);
}
