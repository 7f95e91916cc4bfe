// udp(7): datagrams over loopback: names, boundaries, connected sockets, errors that come back.
#include "contract.h"
#include <arpa/inet.h>
#include <netinet/in.h>

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, from, c;
	socklen_t n = sizeof a;
	int s = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_DGRAM, 0);
	char b[32] = "";
	MUST(bind(s, (void *)&a, n));
	getsockname(s, (void *)&a, &n);
	CALL("no address", send(t, "x", 1, 0));
	CALL("sendto", sendto(t, "hello", 5, 0, (void *)&a, n));
	CALL("sendto, empty", sendto(t, "", 0, 0, (void *)&a, n));
	n = sizeof from;
	CALL("receive", recvfrom(s, b, 32, 0, (void *)&from, &n));
	getsockname(t, (void *)&c, &n);
	IS("from the port that the sender got", from.sin_port == c.sin_port && c.sin_port != 0);
	FACT("'%s' from %s", b, inet_ntoa(from.sin_addr));
	CALL("empty", recv(s, b, 32, 0));
	CALL("cut off", ({ sendto(t, "0123456789", 10, 0, (void *)&a, n); recv(s, b, 4, MSG_TRUNC); }));
	CALL("nothing left of it", recv(s, b, 4, MSG_DONTWAIT));
	static char big[70000];
	CALL("too long", sendto(t, big, sizeof big, 0, (void *)&a, n));
	CALL("65507", sendto(t, big, 65507, 0, (void *)&a, n));
	CALL("arrives", recv(s, big, sizeof big, 0));
	CALL("connect", connect(t, (void *)&a, n));
	CALL("send", send(t, "abc", 3, 0));
	int avail = -1;
	ioctl(s, FIONREAD, &avail);
	FACT("FIONREAD %d", avail);
	recv(s, b, 32, 0);
	int stranger = socket(AF_INET, SOCK_DGRAM, 0);
	n = sizeof c;
	getsockname(t, (void *)&c, &n);
	sendto(stranger, "no", 2, 0, (void *)&c, n);
	CALL("a connected one hears its peer only", recv(t, b, 32, MSG_DONTWAIT));
	sendto(s, "yes", 3, 0, (void *)&c, n);
	CALL("its peer", recv(t, b, 32, 0));
	close(s);
	CALL("the peer went: the send succeeds", send(t, "x", 1, 0));
	struct pollfd p = { t, POLLIN, 0 };
	poll(&p, 1, PATIENCE * 1000);
	FACT("poll ERR %d", !!(p.revents & POLLERR));
	CALL("and the next call tells", send(t, "x", 1, 0));
	struct sockaddr none = { AF_UNSPEC };
	CALL("dissolve", connect(t, &none, sizeof none));
	CALL("send", send(t, "x", 1, 0));
	CALL("port 0", ({ a.sin_port = 0; sendto(t, "x", 1, 0, (void *)&a, sizeof a); }));
	CALL("shutdown unconnected", shutdown(t, SHUT_RDWR));
	CALL("listen", listen(t, 1));
}
