// fcntl(2): record locks: conflict between processes, F_GETLK, merging, release on any close, not inherited.
#include "contract.h"

static int lock(int fd, int type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_start = start, .l_len = len };
	return fcntl(fd, F_SETLK, &l);
}

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	write(fd, "0123456789", 10);
	CALL("write lock 2..5", lock(fd, F_WRLCK, 2, 4));
	CALL("again, no conflict with oneself", lock(fd, F_RDLCK, 3, 1));
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		int f = open("f", O_RDWR);
		CALL("child: overlapping", lock(f, F_WRLCK, 0, 3));
		CALL("child: a read lock where the parent has one", lock(f, F_RDLCK, 3, 1));
		CALL("child: beside it", lock(f, F_WRLCK, 6, 0));
		struct flock l = { .l_type = F_WRLCK, .l_start = 0 };
		CALL("child: F_GETLK", fcntl(f, F_GETLK, &l));
		FACT("type %d start %ld len %ld, the parent's %d", l.l_type, (long)l.l_start, (long)l.l_len, l.l_pid == parent);
		CALL("child: inherited descriptor has no lock", lock(fd, F_WRLCK, 2, 1));
	}
	REAP(pid);
	int other = open("f", O_RDONLY);
	CALL("write lock on read-only", lock(other, F_WRLCK, 0, 1));
	close(other);
	CHILD(pid) { CALL("child: released by the close of another descriptor", lock(fd, F_WRLCK, 2, 4)); }
	REAP(pid);
	CALL("bad type", lock(fd, 9, 0, 1));
	CALL("negative start", lock(fd, F_WRLCK, -1, 1));
	CALL("negative length", lock(fd, F_WRLCK, 5, -2));
	CALL("bad address", fcntl(fd, F_SETLK, BAD_POINTER));
	struct flock l = { .l_type = F_WRLCK };
	CALL("F_GETLK without conflict", fcntl(fd, F_GETLK, &l));
	FACT("type %s", l.l_type == F_UNLCK ? "F_UNLCK" : "other");
}
