// _exit(2), exit_group(2): the low eight bits reach the parent; atexit handlers run for exit(3) only.
#include "contract.h"

static void bye(void) { FACT("atexit"); }

int main(void)
{
	pid_t pid;
	int codes[] = { 0, 1, 127, 255, 256, -1, 0x1234 };
	for (int i = 0; i < COUNT_OF(codes); i++) {
		CHILD(pid) { _exit(codes[i]); }
		FACT("_exit(%d)", codes[i]);
		ENDED("  child", pid);
	}
	atexit(bye);
	CHILD(pid) { exit(2); }
	ENDED("exit", pid);
	CHILD(pid) { _exit(3); }
	ENDED("_exit", pid);
	CHILD(pid) { syscall(SYS_exit, 4); }
	ENDED("exit of the only thread", pid);
	CHILD(pid) { abort(); }
	ENDED("abort", pid);
	_exit(0);
}
