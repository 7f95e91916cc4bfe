// listen(2), accept(2): the backlog, connecting without blocking, accepting what was closed, the listener's end.
#include "contract.h"

int main(void)
{
	struct sockaddr_un a = { AF_UNIX, "\0backlog" };
	const socklen_t n = sizeof(sa_family_t) + 8;
	int l = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), c[4];
	bind(l, (void *)&a, n);
	CALL("listen", listen(l, 1));
	CALL("nobody comes", accept(l, NULL, NULL));
	for (int i = 0; i < 3; i++) {
		c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		CALL("connect", connect(c[i], (void *)&a, n));
	}
	struct pollfd p = { l, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	FACT("poll of the listener %#x", p.revents);
	CALL("write before accept", send(c[0], "early", 5, 0));
	close(c[0]);
	int s = MUST(accept(l, NULL, NULL));
	FACT("flags of the accepted %#o", fcntl(s, F_GETFL));
	char b[8];
	CALL("what the closed one wrote", recv(s, b, 8, 0));
	CALL("its end", recv(s, b, 8, 0));
	CALL("now there is room", connect(c[2], (void *)&a, n));
	CALL("connect again", connect(c[2], (void *)&a, n));
	int blocking = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid = LATER(connect(blocking, (void *)&a, n));
	MUST(accept(l, NULL, NULL));
	CAME("a connect that waited for room", pid);
	CALL("a longer backlog", listen(l, 10));
	CALL("connect the listener", connect(l, (void *)&a, n));
	CALL("read the listener", recv(l, b, 1, 0));
	pid = LATER(({ fcntl(l, F_SETFL, 0); accept(l, NULL, NULL); accept(l, NULL, NULL); accept(l, NULL, NULL); }));
	CALL("shutdown of the listener", shutdown(l, SHUT_RDWR));
	CAME("the accept under it", pid);
	c[3] = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL("connect afterwards", connect(c[3], (void *)&a, n));
	close(l);
	CALL("accepted by a process that ended", recv(c[2], b, 1, MSG_DONTWAIT));
	CALL("datagram sockets do not listen", listen(socket(AF_UNIX, SOCK_DGRAM, 0), 1));
}
