// tcp(7), ip(7): refused, in use, reset, bad addresses, ports below 1024, reuse.
#include "contract.h"
#include <arpa/inet.h>
#include <netinet/in.h>

static struct sockaddr_in at(const char *ip, int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(ip) };
}
static int tcp(void) { return MUST(socket(AF_INET, SOCK_STREAM, 0)); }

int main(void)
{
	struct sockaddr_in a = at("127.0.0.1", 0), other = at("192.0.2.1", 0);
	socklen_t n = sizeof a;
	int l = tcp(), c;
	bind(l, (void *)&a, n);
	getsockname(l, (void *)&a, &n);
	CALL("nobody listens", connect(tcp(), (void *)&a, n));
	CALL("in use", bind(tcp(), (void *)&a, n));
	CALL("bind twice", bind(l, (void *)&a, n));
	CALL("an address that is not ours", bind(tcp(), (void *)&other, n));
	CALL("too short", bind(tcp(), (void *)&a, 8));
	a.sin_family = 99;
	CALL("bad family", bind(tcp(), (void *)&a, n));
	CALL("bad family in connect", connect(tcp(), (void *)&a, n));
	a.sin_family = AF_INET;
	other.sin_port = htons(80);
	CALL("no route", connect(tcp(), (void *)&other, n));
	listen(l, 5);
	c = tcp();
	connect(c, (void *)&a, n);
	int s = accept(l, NULL, NULL);
	struct linger now = { 1, 0 };
	setsockopt(c, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(c);
	char b[4];
	struct pollfd p = { s, POLLIN, 0 };
	poll(&p, 1, PATIENCE * 1000);
	FACT("a reset: IN %d ERR %d HUP %d", !!(p.revents & POLLIN), !!(p.revents & POLLERR), !!(p.revents & POLLHUP));
	CALL("read", recv(s, b, 4, 0));
	CALL("once only", recv(s, b, 4, 0));
	CALL("write", send(s, "x", 1, MSG_NOSIGNAL));
	c = tcp();
	connect(c, (void *)&a, n);
	s = accept(l, NULL, NULL);
	send(c, "unread", 6, 0);
	p.fd = s;
	poll(&p, 1, PATIENCE * 1000);
	close(s);
	p.fd = c;
	poll(&p, 1, PATIENCE * 1000);
	CALL("closed with data unread", recv(c, b, 4, 0));
	CALL("SOCK_STREAM of UDP", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	CALL("no such protocol", socket(AF_INET, SOCK_STREAM, 200));
	CALL("seqpacket", socket(AF_INET, SOCK_SEQPACKET, 0));
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		struct sockaddr_in low = at("127.0.0.1", 81);
		CALL("a user and port 81", bind(tcp(), (void *)&low, n));
		CALL("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	}
	REAP(pid);
}
