// pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2).
#include "contract.h"

int main(void)
{
	CALL("pid 0", syscall(SYS_pidfd_open, 0, 0));
	CALL("negative", syscall(SYS_pidfd_open, -1, 0));
	CALL("bad flags", syscall(SYS_pidfd_open, getpid(), 1));
	CALL("nobody", syscall(SYS_pidfd_open, 0x3ffffff, 0));
	struct gate go = gate_new();
	pid_t pid;
	int made = -1, out[2];
	pipe(out);
	CHILD(pid)
	{
		int fd = open("shared", O_RDWR | O_CREAT, 0644);
		write(out[1], &fd, sizeof fd);
		write(fd, "hello", 5);
		gate_open(go);
		for (;;)
			pause();
	}
	read(out[0], &made, sizeof made);
	gate_wait(go);
	int fd = syscall(SYS_pidfd_open, pid, 0);
	IS("opened", fd >= 0);
	CALL("close-on-exec", fcntl(fd, F_GETFD));
	struct pollfd p = { fd, POLLIN, 0 };
	CALL("not readable while it lives", poll(&p, 1, 0));
	int got_fd = syscall(SYS_pidfd_getfd, fd, made, 0);
	CALL("pidfd_getfd shares the offset", lseek(got_fd, 0, SEEK_CUR));
	CALL("pidfd_getfd of a bad number", syscall(SYS_pidfd_getfd, fd, 999, 0));
	CALL("signal 0", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	CALL("bad signal", syscall(SYS_pidfd_send_signal, fd, 65, NULL, 0));
	CALL("not a pidfd", syscall(SYS_pidfd_send_signal, 1, SIGTERM, NULL, 0));
	CALL("bad flags", syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 8));
	CALL("SIGTERM", syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	CALL("readable at the end", poll(&p, 1, PATIENCE * 1000));
	ENDED("child", pid);
	CALL("signal to the reaped", syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	CALL("read", read(fd, &made, 1));
	CALL("pidfd_open of the reaped", syscall(SYS_pidfd_open, pid, 0));
}
