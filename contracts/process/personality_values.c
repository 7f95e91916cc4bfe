// personality(2): it is kept, inherited by fork and execve, and what it says shows in uname.
#include "contract.h"

static long now(void) { return syscall(SYS_personality, 0xffffffff); }

int main(int argc, char **argv)
{
	if (argc > 1) {
		FACT("after execve %#lx", now());
		return 0;
	}
	pid_t pid;
	struct utsname name;
	FACT("at first %#lx", now());
	FACT("ADDR_NO_RANDOMIZE: it was %#lx", syscall(SYS_personality, 0x0040000));
	FACT("now %#lx", now());
	CHILD(pid)
	{
		FACT("in a child %#lx", now());
		execl("/proc/self/exe", "self", "again", NULL);
	}
	ENDED("child", pid);
	CHILD(pid)
	{
		syscall(SYS_personality, 0x0020000);
		uname(&name);
		IS("UNAME26: a release of 2.6", strncmp(name.release, "2.6.", 4) == 0);
	}
	REAP(pid);
	CHILD(pid)
	{
		CALL("PER_LINUX32", syscall(SYS_personality, 8));
		uname(&name);
		FACT("machine %s", name.machine);
		FACT("now %#lx", now());
	}
	REAP(pid);
	FACT("READ_IMPLIES_EXEC and others unknown: it was %#lx", syscall(SYS_personality, 0x7fffff00));
	FACT("now %#lx", now());
	FACT("back: it was %#lx", syscall(SYS_personality, 0));
	FACT("with high bits set: it was %#lx, now %#lx", syscall(SYS_personality, 0x100000000), now());
}
