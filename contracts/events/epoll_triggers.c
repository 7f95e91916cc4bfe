// epoll(7): level, edge and one-shot; a closed descriptor leaves when its description does.
#include "contract.h"

static int e;
static void show(const char *name)
{
	struct epoll_event out[4];
	int n = epoll_wait(e, out, 4, 0);
	FACT("%s: %d events %#x", name, n, n > 0 ? out[0].events : 0);
}

int main(void)
{
	int p[2];
	char c;
	pipe(p);
	e = epoll_create1(0);
	struct epoll_event v = { EPOLLIN };
	epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v);
	write(p[1], "ab", 2);
	show("level");
	show("level again");
	read(p[0], &c, 1);
	show("level, some left");
	v.events = EPOLLIN | EPOLLET;
	epoll_ctl(e, EPOLL_CTL_MOD, p[0], &v);
	show("edge, set while ready");
	show("edge again");
	write(p[1], "c", 1);
	show("edge, more data");
	read(p[0], &c, 1);
	show("edge, after a partial read");
	v.events = EPOLLIN | EPOLLONESHOT;
	epoll_ctl(e, EPOLL_CTL_MOD, p[0], &v);
	show("one shot");
	show("one shot again");
	write(p[1], "d", 1);
	show("one shot, more data");
	epoll_ctl(e, EPOLL_CTL_MOD, p[0], &v);
	show("one shot, armed again");
	v.events = EPOLLIN;
	epoll_ctl(e, EPOLL_CTL_MOD, p[0], &v);
	int d = dup(p[0]);
	close(p[0]);
	show("closed, but a duplicate lives");
	close(d);
	show("all closed");
	pipe(p);
	epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v);
	close(p[1]);
	show("hang-up is always told");
	int s[2];
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	epoll_ctl(e, EPOLL_CTL_DEL, p[0], NULL);
	v.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	epoll_ctl(e, EPOLL_CTL_ADD, s[0], &v);
	show("socket");
	write(s[1], "x", 1);
	show("edge, data");
	shutdown(s[1], SHUT_WR);
	show("edge, peer shut");
	close(s[1]);
	show("edge, peer closed");
}
