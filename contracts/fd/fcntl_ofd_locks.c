// fcntl(2): open file description locks belong to the description: shared by dup and fork, released at its last close.
#include "contract.h"

static int lock(int fd, int type)
{
	struct flock l = { .l_type = type, .l_len = 1 };
	return fcntl(fd, 37 /* F_OFD_SETLK */, &l);
}

int main(void)
{
	int a = open("f", O_RDWR | O_CREAT, 0644), b = open("f", O_RDWR);
	CALL("first", lock(a, F_WRLCK));
	CALL("another description of the same process", lock(b, F_WRLCK));
	int d = dup(a);
	CALL("a duplicate", lock(d, F_WRLCK));
	close(a);
	CALL("still held after one close", lock(b, F_RDLCK));
	close(d);
	CALL("free after the last", lock(b, F_WRLCK));
	struct flock l = { .l_type = F_WRLCK, .l_len = 1, .l_pid = 5 };
	CALL("l_pid must be 0", fcntl(b, 37, &l));
	l.l_pid = 0;
	int c = open("f", O_RDWR);
	CALL("F_OFD_GETLK", fcntl(c, 36, &l));
	FACT("type %d pid %d", l.l_type, l.l_pid);
}
