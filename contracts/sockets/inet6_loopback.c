// ipv6(7): ::1, addresses of IPv4 mapped into IPv6, IPV6_V6ONLY.
#include "contract.h"
#include <arpa/inet.h>
#include <netinet/in.h>

int main(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT }, peer;
	socklen_t n = sizeof a;
	int l = socket(AF_INET6, SOCK_STREAM, 0), c = socket(AF_INET6, SOCK_STREAM, 0), v = -1;
	char text[64];
	CALL("bind", bind(l, (void *)&a, n));
	listen(l, 1);
	getsockname(l, (void *)&a, &n);
	FACT("length %d", (int)n);
	CALL("connect", connect(c, (void *)&a, n));
	int s = accept(l, (void *)&peer, &n);
	FACT("from %s", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof text));
	CALL("send", send(c, "six", 3, 0));
	CALL("receive", recv(s, text, 3, MSG_WAITALL));
	l = socket(AF_INET6, SOCK_STREAM, 0);
	n = sizeof v;
	getsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &v, &n);
	FACT("IPV6_V6ONLY %d", v);
	a.sin6_addr = in6addr_any;
	a.sin6_port = 0;
	n = sizeof a;
	CALL("bind to any", bind(l, (void *)&a, n));
	listen(l, 1);
	getsockname(l, (void *)&a, &n);
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = a.sin6_port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	c = socket(AF_INET, SOCK_STREAM, 0);
	CALL("connect by IPv4", connect(c, (void *)&four, sizeof four));
	n = sizeof peer;
	s = accept(l, (void *)&peer, &n);
	FACT("from %s", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof text));
	v = 1;
	CALL("too late", setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &v, sizeof v));
	CALL("a short address", bind(socket(AF_INET6, SOCK_STREAM, 0), (void *)&a, 20));
	CALL("an IPv4 address", bind(socket(AF_INET6, SOCK_STREAM, 0), (void *)&four, sizeof four));
}
