// epoll(7): an epoll in an epoll, loops, depth, its own descriptor in poll and select, duplicates and forks.
#include "contract.h"

static int wait_one(int e)
{
	struct epoll_event v = { 0 };
	int n = epoll_wait(e, &v, 1, 0);
	return n == 1 ? (int)v.data.u32 : -n;
}
static int add(int e, int fd, unsigned events, int tag)
{
	struct epoll_event v = { events, { .u32 = tag } };
	return epoll_ctl(e, EPOLL_CTL_ADD, fd, &v);
}

int main(void)
{
	int outer = epoll_create1(0), inner = epoll_create1(EPOLL_CLOEXEC), p[2];
	pipe(p);
	CALL("pipe in inner", add(inner, p[0], EPOLLIN, 1));
	CALL("inner in outer", add(outer, inner, EPOLLIN, 2));
	CALL("itself", add(outer, outer, EPOLLIN, 3));
	CALL("a loop", add(inner, outer, EPOLLIN, 4));
	struct pollfd q = { outer, POLLIN, 0 };
	FACT("quiet: poll %d outer %d", poll(&q, 1, 0), wait_one(outer));
	write(p[1], "x", 1);
	FACT("ready: poll %d outer %d inner %d", poll(&q, 1, 0), wait_one(outer), wait_one(inner));
	char c;
	read(p[0], &c, 1);
	FACT("read: poll %d outer %d", poll(&q, 1, 0), wait_one(outer));
	pid_t pid = LATER(wait_one(outer) ?: ({ struct epoll_event v; epoll_wait(outer, &v, 1, -1); }));
	write(p[1], "y", 1);
	CAME("a sleeper on the outer wakes", pid);
	int chain[7], r = 0, depth = 0;
	chain[0] = inner;
	for (depth = 1; depth < 7; depth++) {
		chain[depth] = epoll_create1(0);
		if (add(chain[depth], chain[depth - 1], EPOLLIN, depth) == -1)
			break;
	}
	FACT("nested %d deep, then %s", depth, errno_name(errno));
	int d = dup(p[0]);
	CALL("a duplicate is another member", add(inner, d, EPOLLIN, 9));
	close(p[0]);
	struct epoll_event v[4];
	CALL("closing one keeps its entry: events", epoll_wait(inner, v, 4, 0));
	CALL("the closed number cannot be deleted", epoll_ctl(inner, EPOLL_CTL_DEL, p[0], NULL));
	close(d);
	CALL("the last close removes both", epoll_wait(inner, v, 4, 0));
	int t[2];
	pipe(t);
	add(inner, t[0], EPOLLIN, 5);
	pid = fork();
	if (pid == 0) {
		close(t[0]);
		close(inner);
		pause();
	}
	asleep(pid);
	write(t[1], "z", 1);
	FACT("a child's closes change nothing: %d", wait_one(inner));
	kill(pid, SIGKILL);
	REAP(pid);
	CHILD(pid)
	{
		CALL("a child may change it", epoll_ctl(inner, EPOLL_CTL_DEL, t[0], NULL));
	}
	REAP(pid);
	FACT("for both: %d", wait_one(inner));
}
