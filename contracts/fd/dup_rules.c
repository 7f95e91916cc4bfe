// dup(2), dup2(2), dup3(2): lowest number, same description, close-on-exec cleared, errors.
#include "contract.h"

int main(void)
{
	put_file("f", "0123456789");
	int fd = open("f", O_RDWR | O_CLOEXEC);
	CALL("lowest free", fd);
	int d = CALL("dup", dup(fd));
	CALL("flags of the copy", fcntl(d, F_GETFD));
	lseek(d, 5, SEEK_SET);
	CALL("offset is shared", lseek(fd, 0, SEEK_CUR));
	CALL("dup of nothing", dup(99));
	CALL("dup2 onto itself", dup2(fd, fd));
	CALL("close-on-exec stays then", fcntl(fd, F_GETFD));
	CALL("dup2 of nothing onto itself", dup2(99, 99));
	CALL("dup2 to a high number", dup2(fd, 200));
	CALL("dup2 onto an open one", dup2(fd, d));
	CALL("dup2 to -1", dup2(fd, -1));
	CALL("dup2 above the limit", dup2(fd, 100000));
	CALL("dup3 onto itself", syscall(SYS_dup3, fd, fd, 0));
	CALL("dup3 with a bad flag", syscall(SYS_dup3, fd, 20, O_APPEND));
	CALL("dup3", dup3(fd, 20, O_CLOEXEC));
	CALL("its flags", fcntl(20, F_GETFD));
	CALL("F_DUPFD from 10", fcntl(fd, F_DUPFD, 10));
	CALL("F_DUPFD from 10 again", fcntl(fd, F_DUPFD_CLOEXEC, 10));
	CALL("its flags", fcntl(11, F_GETFD));
	CALL("F_DUPFD above the limit", fcntl(fd, F_DUPFD, 100000));
	CALL("F_DUPFD from -1", fcntl(fd, F_DUPFD, -1));
}
