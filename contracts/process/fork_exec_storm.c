// fork(2), execve(2), wait(2), signal(7): processes fork, exec and end under a storm of SIGCHLD; none is lost, none is left.
// timeout: 30
#include "contract.h"

static _Atomic int reaped, statuses;
static void reap(int sig)
{
	int status, e = errno;
	while (waitpid(-1, &status, WNOHANG) > 0) {
		reaped++;
		statuses += WEXITSTATUS(status);
	}
	errno = e;
}
static void *forker(void *arg)
{
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(1);
		while (pid == -1)
			_exit(77);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return atoi(argv[1]);
	on_signal(SIGCHLD, reap, SA_RESTART);
	for (int i = 0; i < 30; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			signal(SIGCHLD, SIG_DFL);
			if (i % 3 == 0)
				_exit(2);
			execl("/proc/self/exe", "x", "2", NULL);
			_exit(99);
		}
	}
	EVENTUALLY(reaped == 30);
	FACT("reaped %d, sum of statuses %d", reaped, statuses);
	reaped = statuses = 0;
	pthread_t t[3];
	for (int i = 0; i < 3; i++)
		t[i] = THREAD(forker, NULL);
	for (int i = 0; i < 3; i++)
		JOIN(t[i]);
	EVENTUALLY(reaped == 30);
	FACT("from three threads: %d, sum %d", reaped, statuses);
	signal(SIGCHLD, SIG_DFL);
	CALL("nobody left", waitpid(-1, NULL, 0));
	pid_t pid;
	CHILD(pid)
	{
		for (int depth = 0; depth < 15; depth++) {
			pid_t next = vfork();
			if (next == 0)
				execl("/proc/self/exe", "x", "3", NULL);
			int status = REAP(next);
			if (WEXITSTATUS(status) != 3)
				_exit(50);
		}
		_exit(4);
	}
	ENDED("fifteen vforks", pid);
	block(SIGCHLD);
	CHILD(pid) { _exit(5); }
	sigset_t s = set_of(SIGCHLD);
	siginfo_t info;
	IS("sigwaitinfo", sigwaitinfo(&s, &info) == SIGCHLD && info.si_pid == pid && info.si_status == 5);
	IS("the zombie is there when its signal is", waitpid(pid, NULL, WNOHANG) == pid);
}
