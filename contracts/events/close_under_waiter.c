// close(2): under a poll, an epoll_wait, a blocked accept: what the waiter sees.
#include "contract.h"

static int p[2], s[2], l, e;
static _Atomic pid_t tid;
static _Atomic int what, error, revents;
static void *blocked(void *arg)
{
	struct pollfd q = { p[0], POLLIN, 0 };
	struct epoll_event v;
	char c;
	tid = thread_id();
	errno = 0;
	long r = what == 0 ? poll(&q, 1, PATIENCE * 1000) : what == 1 ? epoll_wait(e, &v, 1, 60) : what == 2 ? recv(s[0], &c, 1, 0) : accept(l, NULL, NULL);
	error = r == -1 ? errno : 0;
	revents = q.revents;
	return (void *)(r > 0 ? 1 : r);
}
static pthread_t start(int w)
{
	what = w;
	tid = 0;
	pthread_t t = THREAD(blocked, NULL);
	EVENTUALLY(tid != 0);
	asleep(tid);
	return t;
}

static void end(pthread_t t)
{
	long r = (long)JOIN(t);
	FACT("the waiter returned %ld, %s", r, errno_name(error));
}

int main(void)
{
	pipe(p);
	pthread_t t = start(0);
	CALL("close under poll", close(p[0]));
	asleep(tid);
	write(p[1], "x", 1); // the waiter keeps the description, so this does not fail
	end(t);
	FACT("events %#x", revents);
	pipe(p);
	e = epoll_create1(0);
	struct epoll_event v = { EPOLLIN };
	epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v);
	t = start(1);
	CALL("close of a member under epoll_wait", close(p[0]));
	signal(SIGPIPE, SIG_IGN);
	CALL("nobody reads", write(p[1], "x", 1));
	end(t);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	t = start(2);
	CALL("close under recv", close(s[0]));
	asleep(tid);
	CALL("send", send(s[1], "y", 1, MSG_NOSIGNAL));
	end(t);
	CALL("afterwards", send(s[1], "y", 1, MSG_NOSIGNAL));
	struct sockaddr_un a = { AF_UNIX, "\0under" };
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(l, (void *)&a, sizeof(sa_family_t) + 6);
	listen(l, 1);
	t = start(3);
	CALL("close under accept", close(l));
	asleep(tid);
	int c = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL("connect", connect(c, (void *)&a, sizeof(sa_family_t) + 6));
	end(t);
	CALL("afterwards", connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof(sa_family_t) + 6));
}
