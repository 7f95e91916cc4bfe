// restart_syscall(2), signal(7): what a call interrupted without a handler does: stop and continue, and restarts by time.
#include "contract.h"

static int p[2];
static _Atomic int *said;
static pid_t blocked(int what)
{
	pid_t pid;
	CHILD(pid)
	{
		char c;
		struct timespec t = { 3, 0 }; // long enough for all to be stopped meanwhile
		struct pollfd q = { p[0], POLLPRI, 0 };
		long r = -1;
		errno = 0;
		if (what == 0)
			r = nanosleep(&t, NULL);
		else if (what == 1)
			r = poll(&q, 1, 3000);
		else if (what == 2)
			r = syscall(SYS_futex, said, 0, 0, &t, NULL, 0);
		else if (what == 3)
			r = read(p[0], &c, 1);
		else if (what == 4)
			r = clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
		else if (what == 5)
			r = epoll_wait(epoll_create1(0), &(struct epoll_event){ 0 }, 1, 60000);
		else
			r = select(0, NULL, NULL, NULL, &(struct timeval){ 3, 0 });
		int e = errno;
		_exit(r == -1 ? 100 + e : (int)r);
	}
	asleep(pid);
	return pid;
}

int main(void)
{
	const char *names[] = { "nanosleep goes on", "poll goes on", "futex goes on", "read goes on", "clock_nanosleep goes on",
		"epoll_wait does not", "select goes on" };
	pid_t pid[COUNT_OF(names)], ignoring;
	int status;
	pipe(p);
	said = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < COUNT_OF(names); i++)
		pid[i] = blocked(i);
	ignoring = blocked(0);
	for (int i = 0; i < COUNT_OF(names); i++) {
		kill(pid[i], SIGSTOP);
		waitpid(pid[i], &status, WUNTRACED);
	}
	kill(ignoring, SIGCHLD);
	kill(ignoring, SIGWINCH);
	for (int i = 0; i < COUNT_OF(names); i++)
		kill(pid[i], SIGCONT);
	asleep(pid[3]);
	write(p[1], "x", 1);
	for (int i = 0; i < COUNT_OF(names); i++)
		CAME(names[i], pid[i]);
	CAME("a signal ignored by default does not disturb", ignoring);
	CALL("restart_syscall with nothing to restart", syscall(SYS_restart_syscall));
}
