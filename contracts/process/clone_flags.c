// clone(2): which flags need which others, and the signal of a child's end.
#include "contract.h"

static long raw_clone(unsigned long flags) { return syscall(SYS_clone, flags, 0, 0, 0, 0); }

int main(void)
{
	CALL("CLONE_THREAD without CLONE_SIGHAND", raw_clone(CLONE_THREAD | CLONE_VM));
	CALL("CLONE_SIGHAND without CLONE_VM", raw_clone(CLONE_SIGHAND | SIGCHLD));
	CALL("CLONE_FS with CLONE_NEWNS", raw_clone(CLONE_FS | CLONE_NEWNS | SIGCHLD));
	note_signal(SIGUSR1, 0);
	note_signal(SIGCHLD, 0);
	pid_t pid = raw_clone(SIGUSR1);
	if (pid == 0)
		_exit(5);
	EVENTUALLY(got[SIGUSR1] == 1);
	FACT("SIGUSR1 %d, SIGCHLD %d", got[SIGUSR1], got[SIGCHLD]);
	CALL("waitpid without __WCLONE", waitpid(pid, NULL, 0));
	int status = 0;
	IS("waitpid with __WCLONE", waitpid(pid, &status, __WCLONE) == pid);
	SAY_STATUS("child", status);
	pid = raw_clone(0);
	if (pid == 0)
		_exit(6);
	IS("waitpid with __WALL, no signal at all", waitpid(pid, &status, __WALL) == pid);
	SAY_STATUS("silent child", status);
	FACT("SIGCHLD %d", got[SIGCHLD]);
}
