// fcntl(2): F_SETLKW waits for the holder, and a cycle of waits is EDEADLK.
#include "contract.h"

static int lockw(int fd, int type, off_t start)
{
	struct flock l = { .l_type = type, .l_start = start, .l_len = 1 };
	return fcntl(fd, F_SETLKW, &l);
}

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	struct gate has = gate_new();
	pid_t pid, parent = getpid();
	lockw(fd, F_WRLCK, 0);
	CHILD(pid)
	{
		lockw(fd, F_WRLCK, 1);
		gate_open(has);
		CALL("child waits and gets it", lockw(fd, F_WRLCK, 0));
	}
	gate_wait(has);
	asleep(pid);
	CALL("parent would wait for the child", lockw(fd, F_WRLCK, 1));
	lockw(fd, F_UNLCK, 0);
	REAP(pid);
	CALL("released at the child's end", lockw(fd, F_WRLCK, 1));
}
