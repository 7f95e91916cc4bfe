// epoll_wait(2): a sleeper wakes for another process's write, a descriptor added meanwhile, and its timeout.
#include "contract.h"

static int e, p[2];
static pid_t waiter;
static void *add_later(void *arg)
{
	asleep(waiter);
	struct epoll_event v = { EPOLLIN };
	epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v);
	return NULL;
}

int main(void)
{
	pipe(p);
	e = epoll_create1(0);
	struct epoll_event v = { EPOLLIN }, out[2];
	long long s = now_ms();
	CALL("timeout", epoll_wait(e, out, 2, 20));
	WITHIN("took", now_ms() - s, 20, PATIENCE * 1000);
	waiter = getpid();
	write(p[1], "x", 1);
	pthread_t t = THREAD(add_later, NULL);
	CALL("a ready descriptor added while waiting", epoll_wait(e, out, 2, PATIENCE * 1000));
	JOIN(t);
	char c;
	read(p[0], &c, 1);
	pid_t pid;
	CHILD(pid)
	{
		asleep(waiter);
		write(p[1], "y", 1);
	}
	CALL("a write", epoll_wait(e, out, 2, PATIENCE * 1000));
	REAP(pid);
	read(p[0], &c, 1);
	int rounds = 0;
	CHILD(pid)
	{
		for (int i = 0; i < 200; i++)
			write(p[1], "z", 1);
	}
	v.events = EPOLLIN | EPOLLET;
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	epoll_ctl(e, EPOLL_CTL_MOD, p[0], &v);
	while (rounds < 200 && epoll_wait(e, out, 2, PATIENCE * 1000) == 1)
		while (read(p[0], &c, 1) == 1)
			rounds++;
	FACT("no wakeup lost: %d", rounds);
	REAP(pid);
	struct timespec ts = { 0, 20000000 };
	s = now_ms();
	CALL("epoll_pwait2", syscall(441, e, out, 2, &ts, NULL, 8));
	WITHIN("took", now_ms() - s, 20, PATIENCE * 1000);
}
