// clone3(2): the structure's size and fields are checked; CLONE_PIDFD, exit_signal, set_tid.
#include "contract.h"
#include <linux/sched.h>

static long c3(struct clone_args *a, size_t size) { return syscall(SYS_clone3, a, size); }

int main(void)
{
	struct clone_args a = { .exit_signal = SIGCHLD };
	CALL("size too small", c3(&a, 8));
	CALL("bad address", c3(BAD_POINTER, sizeof a));
	CALL("size above a page", c3(&a, page() + 1));
	a.exit_signal = 65;
	CALL("exit_signal out of range", c3(&a, sizeof a));
	a.exit_signal = SIGCHLD;
	a.flags = SIGCHLD;
	CALL("signal in flags", c3(&a, sizeof a));
	a.flags = CLONE_SIGHAND;
	CALL("CLONE_SIGHAND without CLONE_VM", c3(&a, sizeof a));
	a.flags = 0;
	a.stack = 4096;
	CALL("stack without size", c3(&a, sizeof a));
	a.stack = 0;
	a.stack_size = 4096;
	CALL("size without stack", c3(&a, sizeof a));
	a.stack_size = 0;
	int pidfd = -1;
	a.flags = CLONE_PIDFD;
	a.pidfd = (uintptr_t)&pidfd;
	pid_t pid = c3(&a, sizeof a);
	if (pid == 0)
		_exit(9);
	IS("a child", pid > 0);
	CALL("pidfd is close-on-exec", fcntl(pidfd, F_GETFD));
	struct pollfd p = { pidfd, POLLIN, 0 };
	CALL("pidfd readable at the end", poll(&p, 1, PATIENCE * 1000));
	ENDED("child", pid);
	struct { struct clone_args a; uint64_t more; } big = { .a = { .exit_signal = SIGCHLD }, .more = 1 };
	CALL("unknown field not zero", c3(&big.a, sizeof big));
}
