// prctl(2): PR_SET_NO_NEW_PRIVS is inherited, kept by exec, and never cleared.
#include "contract.h"

int main(int argc, char **argv)
{
	if (argc > 1) {
		CALL("after exec", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
		return 0;
	}
	CALL("at first", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	CALL("a value of 2", prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
	CALL("a stray argument", prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	CALL("set", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CALL("clear", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	pid_t pid;
	CHILD(pid)
	{
		CALL("in a child", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
		execl("/proc/self/exe", "x", "1", NULL);
	}
	REAP(pid);
}
