// fork(2): descriptors are copied, the open file descriptions behind them shared: offsets and status flags.
#include "contract.h"

int main(void)
{
	put_file("f", "0123456789");
	int fd = MUST(open("f", O_RDWR));
	pid_t pid;
	CHILD(pid)
	{
		CALL("child seeks", lseek(fd, 4, SEEK_SET));
		CALL("child sets O_APPEND", fcntl(fd, F_SETFL, O_APPEND));
		CALL("child sets FD_CLOEXEC", fcntl(fd, F_SETFD, FD_CLOEXEC));
		CALL("child closes", close(fd));
	}
	REAP(pid);
	CALL("parent's offset", lseek(fd, 0, SEEK_CUR));
	IS("parent has O_APPEND", fcntl(fd, F_GETFL) & O_APPEND);
	CALL("parent's descriptor flags", fcntl(fd, F_GETFD));
	CALL("parent can still write", write(fd, "x", 1));
}
