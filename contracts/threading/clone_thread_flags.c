// clone(2): what threads made with CLONE_THREAD share: ids, memory, files, directory, handlers, and what is each one's own.
#include "contract.h"

static _Atomic pid_t tid, pid_in, parent_in;
static _Atomic int step, fd;
static void *other(void *arg)
{
	tid = thread_id();
	pid_in = getpid();
	parent_in = getppid();
	chdir("sub");
	umask(027);
	note_signal(SIGUSR1, 0);
	block(SIGUSR2);
	setpriority(PRIO_PROCESS, 0, 7);
	syscall(SYS_setresgid, 5, 5, 5);
	prctl(PR_SET_NAME, "other");
	fd = dup(1);
	struct rlimit r = { 33, 44 };
	setrlimit(RLIMIT_CORE, &r);
	step = 1;
	EVENTUALLY(step == 2);
	return (void *)(long)pthread_sigmask(SIG_BLOCK, NULL, NULL);
}

int main(void)
{
	mkdir("sub", 0755);
	pthread_t t = THREAD(other, NULL);
	EVENTUALLY(step == 1);
	IS("process id and parent are the same", pid_in == getpid() && parent_in == getppid());
	IS("thread ids differ", tid != getpid() && thread_id() == getpid());
	char b[256];
	getcwd(b, sizeof b);
	FACT("the directory is shared: %s", strrchr(b, '/') + 1);
	FACT("the umask: %o", umask(022));
	raise(SIGUSR1);
	FACT("handlers: %d", got[SIGUSR1]);
	sigset_t s;
	sigprocmask(SIG_BLOCK, NULL, &s);
	FACT("the mask is not: %d", sigismember(&s, SIGUSR2));
	FACT("nor the nice value: %d, the other's %d", getpriority(PRIO_PROCESS, 0), getpriority(PRIO_PROCESS, tid));
	FACT("nor the raw call's group id: %d", getgid());
	prctl(PR_GET_NAME, b);
	FACT("nor the name: %d", strcmp(b, "other") == 0);
	IS("descriptors", fcntl(fd, F_GETFD) == 0);
	struct rlimit r;
	getrlimit(RLIMIT_CORE, &r);
	FACT("limits: %d %d", (int)r.rlim_cur, (int)r.rlim_max);
	CALL("a thread is no child", waitpid(tid, NULL, __WALL));
	CALL("kill by a thread's id reaches the process", kill(tid, 0));
	CALL("tgkill with the wrong process", syscall(SYS_tgkill, getppid(), tid, 0));
	CALL("tgkill", syscall(SYS_tgkill, getpid(), tid, 0));
	CALL("tkill", syscall(SYS_tkill, tid, 0));
	CALL("setpgid of a thread", setpgid(tid, 0));
	CALL("getpgid of a thread", getpgid(tid) == getpgrp());
	step = 2;
	JOIN(t);
	EVENTUALLY(syscall(SYS_tgkill, getpid(), tid, 0) == -1);
	CALL("after its end", syscall(SYS_tgkill, getpid(), tid, 0));
	CALL("unshare of what is shared by one only", unshare(CLONE_FILES | CLONE_FS));
}
