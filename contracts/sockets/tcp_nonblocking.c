// connect(2), poll(2), tcp(7): non-blocking connect, accept, partial writes, what poll says at each step.
#include "contract.h"
#include <arpa/inet.h>
#include <netinet/in.h>

static void look(const char *name, int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };
	poll(&p, 1, PATIENCE * 1000);
	FACT("%s:%s%s%s%s%s", name, p.revents & POLLIN ? " IN" : "", p.revents & POLLOUT ? " OUT" : "",
	     p.revents & POLLRDHUP ? " RDHUP" : "", p.revents & POLLHUP ? " HUP" : "", p.revents & POLLERR ? " ERR" : "");
}
static int error_of(int fd)
{
	int e = -1;
	socklen_t n = sizeof e;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n);
	return e;
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	look("fresh", c);
	bind(l, (void *)&a, n);
	getsockname(l, (void *)&a, &n);
	CALL("connect, nobody listens", connect(c, (void *)&a, n));
	look("refused", c);
	ERR("SO_ERROR", error_of(c));
	ERR("once only", error_of(c));
	listen(l, 5);
	CALL("accept", accept(l, NULL, NULL));
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CALL("connect", connect(c, (void *)&a, n));
	look("client", c);
	FACT("SO_ERROR %s", errno_name(error_of(c)));
	CALL("connect when connected", connect(c, (void *)&a, n));
	struct pollfd p = { l, POLLIN, 0 };
	FACT("the listener is readable: %d", poll(&p, 1, PATIENCE * 1000));
	int s = MUST(accept4(l, NULL, NULL, SOCK_NONBLOCK));
	char b[64];
	CALL("nothing to read", recv(s, b, 64, 0));
	static char data[1 << 20];
	long sent = 0, r;
	while ((r = send(c, data, sizeof data, 0)) > 0)
		sent += r;
	FACT("full: %s, some was sent: %d", errno_name(errno), sent > 0);
	long total = 0;
	struct pollfd q = { s, POLLIN, 0 };
	while (total < sent && poll(&q, 1, PATIENCE * 1000) == 1 && (r = recv(s, data, sizeof data, 0)) > 0)
		total += r;
	IS("all arrived", total == sent);
	look("writable again", c);
	shutdown(c, SHUT_WR);
	poll(&(struct pollfd){ s, POLLRDHUP, 0 }, 1, PATIENCE * 1000);
	look("the peer's end of data", s);
	close(s);
	EVENTUALLY(({ struct pollfd e = { c, 0, 0 }; poll(&e, 1, 0); e.revents & POLLHUP; }));
	look("both ends", c);
}
