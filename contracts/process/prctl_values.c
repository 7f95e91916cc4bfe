// prctl(2): names, death signal, dumpable, keepcaps, timer slack, unknown options.
#include "contract.h"

int main(void)
{
	char name[17] = "";
	CALL("set a long name", prctl(PR_SET_NAME, "a-name-of-more-than-fifteen"));
	prctl(PR_GET_NAME, name);
	FACT("name '%s'", name);
	FACT("comm '%.*s'", (int)strcspn(get_file("/proc/self/comm"), "\n"), get_file("/proc/self/comm"));
	CALL("name from a bad address", prctl(PR_SET_NAME, BAD_POINTER));
	int sig = -1;
	CALL("death signal", prctl(PR_GET_PDEATHSIG, &sig));
	FACT("is %d", sig);
	CALL("set it out of range", prctl(PR_SET_PDEATHSIG, 65));
	CALL("set it", prctl(PR_SET_PDEATHSIG, SIGUSR1));
	prctl(PR_GET_PDEATHSIG, &sig);
	FACT("is %s", signal_name(sig));
	pid_t pid;
	CHILD(pid)
	{
		prctl(PR_GET_PDEATHSIG, &sig);
		FACT("in a child %d", sig);
	}
	REAP(pid);
	CALL("dumpable", prctl(PR_GET_DUMPABLE));
	CALL("dumpable 2", prctl(PR_SET_DUMPABLE, 2));
	CALL("not dumpable", prctl(PR_SET_DUMPABLE, 0));
	CALL("dumpable", prctl(PR_GET_DUMPABLE));
	CALL("keepcaps", prctl(PR_GET_KEEPCAPS));
	CALL("keepcaps 2", prctl(PR_SET_KEEPCAPS, 2));
	CALL("timer slack", prctl(PR_GET_TIMERSLACK));
	CALL("set timer slack", prctl(PR_SET_TIMERSLACK, 123456));
	CALL("timer slack", prctl(PR_GET_TIMERSLACK));
	CALL("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	CALL("no_new_privs with a stray argument", prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CALL("unknown", prctl(9999));
}
