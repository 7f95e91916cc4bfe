// poll(2), select(2), epoll(7), futex(2), read(2): hundreds of hand-overs between two processes lose no wakeup.
#include "contract.h"

static void pong(int in, int out, int how)
{
	char c;
	int e = epoll_create1(0);
	struct epoll_event v = { how == 3 ? EPOLLIN | EPOLLET : EPOLLIN };
	epoll_ctl(e, EPOLL_CTL_ADD, in, &v);
	fcntl(in, F_SETFL, O_NONBLOCK);
	for (;;) {
		ssize_t n = read(in, &c, 1);
		if (n == 1) {
			if (c == 'q')
				_exit(0);
			write(out, &c, 1);
			continue;
		}
		struct pollfd p = { in, POLLIN, 0 };
		fd_set r;
		FD_ZERO(&r);
		FD_SET(in, &r);
		int ready = how == 0 ? poll(&p, 1, 4000) : how == 1 ? select(in + 1, &r, NULL, NULL, &(struct timeval){ 4, 0 }) : epoll_wait(e, &v, 1, 4000);
		if (ready != 1)
			_exit(1);
	}
}

int main(void)
{
	const char *names[] = { "poll", "select", "epoll", "epoll, edge" };
	for (int how = 0; how < 4; how++) {
		int a[2], b[2];
		socketpair(AF_UNIX, SOCK_STREAM, 0, a);
		pipe(b);
		pid_t pid;
		CHILD(pid) { pong(a[0], b[1], how); }
		int answers = 0;
		for (int i = 0; i < 100; i++) {
			char c = 'a' + i % 16, d = 0;
			write(a[1], &c, 1);
			struct pollfd p = { b[0], POLLIN, 0 };
			if (poll(&p, 1, 4000) != 1)
				break;
			read(b[0], &d, 1);
			answers += c == d;
		}
		write(a[1], "q", 1);
		FACT("%s: answers %d", names[how], answers);
		ENDED("it", pid);
	}
	_Atomic int *word = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec limit = { 4, 0 };
	pid_t pid;
	CHILD(pid)
	{
		for (int i = 0; i < 200; i++) {
			while (*word != 2 * i + 1)
				if (syscall(SYS_futex, word, 0, 2 * i, &limit, NULL, 0) == -1 && errno == ETIMEDOUT)
					_exit(1);
			*word = 2 * i + 2;
			syscall(SYS_futex, word, 1, 1, NULL, NULL, 0);
		}
	}
	int i = 0;
	for (; i < 200; i++) {
		*word = 2 * i + 1;
		syscall(SYS_futex, word, 1, 1, NULL, NULL, 0);
		while (*word != 2 * i + 2)
			if (syscall(SYS_futex, word, 0, 2 * i + 1, &limit, NULL, 0) == -1 && errno == ETIMEDOUT)
				goto out;
	}
out:
	FACT("futex: hand-overs %d", i);
	ENDED("it", pid);
}
