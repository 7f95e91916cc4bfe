// tcp(7): a connection over loopback: names, order, boundaries that are none, half close, end.
#include "contract.h"
#include <arpa/inet.h>
#include <netinet/in.h>

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, b, peer;
	socklen_t n = sizeof a;
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);
	CALL("bind to any port", bind(l, (void *)&a, sizeof a));
	CALL("listen", listen(l, 5));
	getsockname(l, (void *)&a, &n);
	IS("has a port", a.sin_port != 0);
	CALL("connect", connect(c, (void *)&a, sizeof a));
	n = sizeof peer;
	int s = accept4(l, (void *)&peer, &n, SOCK_CLOEXEC);
	FACT("accepted: family %d length %d address %s", peer.sin_family, (int)n, inet_ntoa(peer.sin_addr));
	n = sizeof b;
	getsockname(c, (void *)&b, &n);
	IS("the client's port is the peer's", b.sin_port == peer.sin_port);
	n = sizeof b;
	getpeername(c, (void *)&b, &n);
	IS("and the other way", b.sin_port == a.sin_port);
	char d[64] = "";
	CALL("send", send(c, "hello ", 6, 0));
	CALL("send", send(c, "world", 5, 0));
	CALL("MSG_WAITALL", recv(s, d, 11, MSG_WAITALL));
	FACT("'%s'", d);
	CALL("half close", shutdown(c, SHUT_WR));
	CALL("end there", recv(s, d, 64, 0));
	CALL("the other way goes on", send(s, "back", 4, 0));
	CALL("received", recv(c, d, 4, MSG_WAITALL));
	CALL("write after shutdown", send(c, "x", 1, MSG_NOSIGNAL));
	close(s);
	CALL("both closed", recv(c, d, 64, 0));
	CALL("connect again", connect(c, (void *)&a, sizeof a));
	CALL("accept with a bad flag", syscall(SYS_accept4, l, NULL, NULL, 0x1234));
	CALL("unconnected", send(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_NOSIGNAL));
	CALL("read unconnected", recv(socket(AF_INET, SOCK_STREAM, 0), d, 1, 0));
	CALL("getpeername unconnected", getpeername(l, (void *)&b, &n));
}
