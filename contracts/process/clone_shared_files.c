// clone(2): CLONE_FILES shares the descriptor table, CLONE_FS the working directory and umask.
#include "contract.h"

int main(void)
{
	MUST(mkdir("sub", 0755));
	int before = MUST(dup(0));
	pid_t pid = syscall(SYS_clone, CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		close(before);
		dup2(1, 40);
		chdir("sub");
		umask(07);
		_exit(0);
	}
	ENDED("child", pid);
	CALL("closed by the child", fcntl(before, F_GETFD));
	CALL("opened by the child", fcntl(40, F_GETFD));
	char cwd[PATH_MAX];
	IS("cwd changed by the child", getcwd(cwd, sizeof cwd) && strstr(cwd, "/sub"));
	FACT("umask %#o", umask(022));
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		close(40);
		chdir("/");
		_exit(0);
	}
	REAP(pid);
	CALL("without the flags: descriptor", fcntl(40, F_GETFD));
	IS("without the flags: cwd", getcwd(cwd, sizeof cwd) && strstr(cwd, "/sub"));
}
