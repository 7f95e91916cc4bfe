// fcntl(2): F_GETFL and F_SETFL: what can be changed, what is ignored, what open adds.
#include "contract.h"

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC | O_EXCL | O_CLOEXEC, 0644);
	int large = fcntl(open("f", O_RDONLY), F_GETFL);
	IS("creation flags are not kept", (fcntl(fd, F_GETFL) & (O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC)) == 0);
	FACT("access mode %d", fcntl(fd, F_GETFL) & O_ACCMODE);
	CALL("set O_APPEND and O_NONBLOCK", fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	FACT("append %d nonblock %d access %d", !!(fcntl(fd, F_GETFL) & O_APPEND), !!(fcntl(fd, F_GETFL) & O_NONBLOCK),
		fcntl(fd, F_GETFL) & O_ACCMODE);
	CALL("access mode is ignored", fcntl(fd, F_SETFL, O_RDONLY));
	FACT("access mode %d append %d", fcntl(fd, F_GETFL) & O_ACCMODE, !!(fcntl(fd, F_GETFL) & O_APPEND));
	CALL("unknown command", fcntl(fd, 9999, 0));
	CALL("nothing", fcntl(99, F_GETFL));
	CALL("F_SETFD keeps only one bit", fcntl(fd, F_SETFD, 0xff));
	CALL("F_GETFD", fcntl(fd, F_GETFD));
	int path = open("f", O_PATH);
	CALL("F_SETFL of O_PATH", fcntl(path, F_SETFL, 0));
	FACT("O_PATH shown %d", !!(fcntl(path, F_GETFL) & O_PATH));
	int p[2];
	pipe(p);
	FACT("pipe ends %#x %#x", fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL));
	CALL("owner", fcntl(p[0], F_GETOWN));
	CALL("set owner", fcntl(p[0], F_SETOWN, getpid()));
	IS("owner", fcntl(p[0], F_GETOWN) == getpid());
	CALL("signal", fcntl(p[0], F_GETSIG));
}
