// signalfd(2), timerfd_create(2), eventfd(2), pidfd_open(2) in epoll(7): an event loop as daemons have it.
#include "contract.h"

static int e;
static void add(int fd, int tag)
{
	struct epoll_event v = { EPOLLIN, { .u32 = tag } };
	MUST(epoll_ctl(e, EPOLL_CTL_ADD, fd, &v));
}
static int next(int timeout)
{
	struct epoll_event v = { 0 };
	return epoll_wait(e, &v, 1, timeout) == 1 ? (int)v.data.u32 : 0;
}

int main(void)
{
	e = epoll_create1(0);
	sigset_t s = set_of(SIGUSR1);
	sigaddset(&s, SIGCHLD);
	sigprocmask(SIG_BLOCK, &s, NULL);
	int sig = signalfd(-1, &s, SFD_NONBLOCK), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), ev = eventfd(0, EFD_NONBLOCK);
	add(sig, 1);
	add(timer, 2);
	add(ev, 3);
	FACT("quiet %d", next(0));
	kill(getpid(), SIGUSR1);
	FACT("signal %d", next(PATIENCE * 1000));
	struct signalfd_siginfo info[2];
	CALL("read", read(sig, info, sizeof info));
	IS("the signal", info[0].ssi_signo == SIGUSR1);
	FACT("quiet %d", next(0));
	struct itimerspec t = { { 0, 0 }, { 0, 3000000 } };
	timerfd_settime(timer, 0, &t, NULL);
	FACT("timer %d", next(PATIENCE * 1000));
	uint64_t n = 0;
	CALL("read", read(timer, &n, 8));
	FACT("expirations %d", (int)n);
	CALL("read again", read(timer, &n, 8));
	n = 5;
	write(ev, &n, 8);
	FACT("event %d", next(PATIENCE * 1000));
	read(ev, &n, 8);
	FACT("value %d", (int)n);
	pid_t pid;
	CHILD(pid) { _exit(9); }
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	FACT("a child's end is a signal %d", next(PATIENCE * 1000));
	ssize_t got_bytes = read(sig, info, sizeof info);
	FACT("SIGCHLD %d code %d status %d its pid %d", info[0].ssi_signo == SIGCHLD, info[0].ssi_code == CLD_EXITED, info[0].ssi_status, (int)info[0].ssi_pid == pid);
	add(pidfd, 4);
	FACT("and its pidfd readable %d", next(PATIENCE * 1000));
	siginfo_t si;
	CALL("waitid by pidfd", waitid(3, pidfd, &si, WEXITED));
	FACT("status %d", si.si_status);
	FACT("a reaped one stays readable %d", next(0));
	close(pidfd);
	CHILD(pid)
	{
		kill(getpid(), SIGUSR1);
		FACT("a child reads its own signals: %zd", read(sig, info, sizeof info));
		FACT("but through an epoll set up by its parent: %d", next(0));
	}
	REAP(pid);
	while (read(sig, info, sizeof info) > 0)
		;
	t = (struct itimerspec){ { 0, 1000000 }, { 0, 1000000 } };
	timerfd_settime(timer, 0, &t, NULL);
	pause_ms(20);
	read(timer, &n, 8);
	IS("many expirations are one event with their count", n >= 15);
	CALL("disarm", timerfd_settime(timer, 0, &(struct itimerspec){ 0 }, NULL));
	FACT("quiet %d", next(0));
}
