// waitpid(2), wait4(2): which children the first argument selects, and errors.
#include "contract.h"

int main(void)
{
	int status;
	CALL("no children", waitpid(-1, &status, 0));
	CALL("no children, WNOHANG", waitpid(-1, &status, WNOHANG));
	CALL("not a child", waitpid(1, &status, WNOHANG));
	CALL("bad options", waitpid(-1, &status, 0x40));
	CALL("pid INT_MIN", waitpid(INT_MIN, &status, WNOHANG));
	struct gate go = gate_new();
	pid_t a, b;
	CHILD(a) { gate_wait(go); }
	CHILD(b)
	{
		setpgid(0, 0);
		gate_wait(go);
	}
	setpgid(b, b);
	CALL("WNOHANG, none ended", waitpid(-1, &status, WNOHANG));
	gate_open(go);
	gate_open(go);
	IS("by group: -pgid", waitpid(-b, &status, 0) == b);
	IS("by own group: 0", waitpid(0, &status, 0) == a);
	CALL("all gone", waitpid(0, &status, 0));
	CALL("its group gone", waitpid(-b, &status, 0));
	CHILD(a) { _exit(1); }
	struct pollfd none;
	poll(&none, 0, 20);
	CALL("status to a bad address", waitpid(a, BAD_POINTER, 0));
	CALL("it was reaped all the same", waitpid(a, NULL, 0));
	CHILD(a) { _exit(1); }
	IS("a null status", waitpid(a, NULL, 0) == a);
}
