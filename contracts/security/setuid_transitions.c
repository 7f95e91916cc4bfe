// setuid(2), setreuid(2), setresuid(2): as root, and after giving it up.
#include "contract.h"

static void show(const char *name)
{
	uid_t r, e, s;
	getresuid(&r, &e, &s);
	FACT("%s: %d %d %d", name, r, e, s);
}

int main(void)
{
	pid_t pid;
	CHILD(pid)
	{
		CALL("setuid by root sets all", setuid(1000));
		show("ids");
		CALL("no way back", setuid(0));
		CALL("seteuid", seteuid(0));
		CALL("setgid", setgid(0));
		CALL("setgroups", syscall(SYS_setgroups, 0, NULL));
	}
	REAP(pid);
	CHILD(pid)
	{
		CALL("seteuid", seteuid(1000));
		show("ids");
		CALL("back", seteuid(0));
		show("ids");
		CALL("setresuid", setresuid(1, 2, 3));
		show("ids");
		CALL("swap", setresuid(2, 3, 1));
		show("ids");
		CALL("another", setresuid(4, -1, -1));
	}
	REAP(pid);
	CHILD(pid)
	{
		CALL("setreuid(1000, -1)", setreuid(1000, -1));
		show("ids");
		CALL("setreuid(-1, 1000)", setreuid(-1, 1000));
		show("ids");
		CALL("the saved one follows", seteuid(0));
		CALL("setreuid when the effective differs from the real", setreuid(-1, 1001));
	}
	REAP(pid);
	CALL("setfsuid returns the old one", syscall(SYS_setfsuid, 5));
	CALL("setfsuid with a bad id", syscall(SYS_setfsuid, -1));
	CALL("setuid(-1)", syscall(SYS_setuid, -1));
}
