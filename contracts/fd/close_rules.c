// close(2), close_range(2): errors, the number is free at once, ranges.
#include "contract.h"

int main(void)
{
	CALL("nothing", close(99));
	CALL("-1", close(-1));
	int a = open("/dev/null", O_RDONLY);
	CALL("close", close(a));
	CALL("twice", close(a));
	CALL("the number is used again", open("/dev/null", O_RDONLY));
	for (int i = 10; i < 20; i++)
		dup2(0, i);
	CALL("close_range 12..14", syscall(SYS_close_range, 12, 14, 0));
	for (int i = 11; i < 16; i++)
		FACT("%d open %d", i, fcntl(i, F_GETFD) != -1);
	CALL("first above last", syscall(SYS_close_range, 5, 4, 0));
	CALL("bad flags", syscall(SYS_close_range, 12, 14, 8));
	CALL("CLOSE_RANGE_CLOEXEC", syscall(SYS_close_range, 16, ~0U, 4));
	FACT("flags %d %d", fcntl(15, F_GETFD), fcntl(16, F_GETFD));
	CALL("nothing in the range", syscall(SYS_close_range, 500, 600, 0));
	pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		syscall(SYS_close_range, 16, 17, 2);
		_exit(0);
	}
	REAP(pid);
	CALL("CLOSE_RANGE_UNSHARE in a process that shares the table", fcntl(16, F_GETFD));
}
