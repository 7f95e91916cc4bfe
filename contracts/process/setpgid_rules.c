// setpgid(2), getpgid(2): whose group may be changed, to what, and when.
#include "contract.h"

int main(void)
{
	IS("leader of its session here", getsid(0) == getpid());
	CALL("session leader", setpgid(0, 0));
	CALL("negative group", setpgid(0, -1));
	CALL("no such process", setpgid(0x3ffffff, 0));
	CALL("not a child", setpgid(getppid(), 0));
	CALL("getpgid of nobody", getpgid(0x3ffffff));
	struct gate go = gate_new(), did = gate_new();
	pid_t a, b;
	CHILD(a) { gate_wait(go); }
	CHILD(b)
	{
		CALL("child joins a group that is not there", setpgid(0, 0x3ffffff));
		gate_open(did);
		gate_wait(go);
	}
	gate_wait(did);
	CALL("parent makes the child a leader", setpgid(a, a));
	IS("its group", getpgid(a) == a);
	CALL("parent moves another child into it", setpgid(b, a));
	IS("its group", getpgid(b) == a);
	gate_open(go);
	gate_open(go);
	REAP(a);
	REAP(b);
	CHILD(b)
	{
		IS("setsid", setsid() == getpid());
		gate_open(did);
		gate_wait(go);
	}
	gate_wait(did);
	CALL("a child in another session", setpgid(b, 0));
	gate_open(go);
	REAP(b);
}
