// epoll_ctl(2), epoll_create(2): errors.
#include "contract.h"

int main(void)
{
	CALL("epoll_create 0", epoll_create(0));
	CALL("bad flags", epoll_create1(1));
	int e = epoll_create1(EPOLL_CLOEXEC), p[2];
	CALL("close-on-exec", fcntl(e, F_GETFD));
	pipe(p);
	struct epoll_event v = { EPOLLIN, { .u64 = 0x123456789abcdef0 } }, out[4];
	CALL("add", epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v));
	CALL("twice", epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v));
	CALL("a duplicate is another", epoll_ctl(e, EPOLL_CTL_ADD, dup(p[0]), &v));
	CALL("modify what is not there", epoll_ctl(e, EPOLL_CTL_MOD, p[1], &v));
	CALL("delete what is not there", epoll_ctl(e, EPOLL_CTL_DEL, p[1], &v));
	CALL("bad operation", epoll_ctl(e, 9, p[0], &v));
	CALL("itself", epoll_ctl(e, EPOLL_CTL_ADD, e, &v));
	CALL("not an epoll", epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &v));
	CALL("closed", epoll_ctl(e, EPOLL_CTL_ADD, 99, &v));
	CALL("a file", epoll_ctl(e, EPOLL_CTL_ADD, open("f", O_CREAT | O_RDWR, 0644), &v));
	CALL("a directory", epoll_ctl(e, EPOLL_CTL_ADD, open(".", O_RDONLY), &v));
	CALL("bad address", epoll_ctl(e, EPOLL_CTL_ADD, p[1], BAD_POINTER));
	CALL("delete needs no event", epoll_ctl(e, EPOLL_CTL_DEL, p[0], NULL));
	CALL("wait for 0 events", epoll_wait(e, out, 0, 0));
	CALL("wait on a pipe", epoll_wait(p[0], out, 1, 0));
	int other = epoll_create1(0);
	v.data.u64 = 0x123456789abcdef0;
	CALL("an epoll in another", epoll_ctl(other, EPOLL_CTL_ADD, e, &v));
	CALL("a cycle", epoll_ctl(e, EPOLL_CTL_ADD, other, &v));
	write(p[1], "x", 1);
	CALL("readiness passes through", epoll_wait(other, out, 4, 0));
	FACT("events %#x data kept %d", out[0].events, out[0].data.u64 == 0x123456789abcdef0);
	CALL("EPOLLEXCLUSIVE with modify", (v.events = EPOLLIN | EPOLLEXCLUSIVE, epoll_ctl(other, EPOLL_CTL_MOD, e, &v)));
}
