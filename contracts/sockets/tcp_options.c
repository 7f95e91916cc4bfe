// tcp(7), ip(7), socket(7): options that servers set, and what they read back.
#include "contract.h"
#include <netinet/in.h>
#include <netinet/tcp.h>

static int s;
static void flag(const char *name, int level, int option, int value)
{
	int before = -1, after = -1;
	socklen_t n = sizeof before;
	errno = 0;
	getsockopt(s, level, option, &before, &n);
	int r = setsockopt(s, level, option, &value, sizeof value);
	int e = errno;
	n = sizeof after;
	getsockopt(s, level, option, &after, &n);
	FACT("%s: %d, set %d %s, %d", name, before, value, r == 0 ? "ok" : errno_name(e), after);
}

int main(void)
{
	s = socket(AF_INET, SOCK_STREAM, 0);
	flag("TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1);
	flag("TCP_CORK", IPPROTO_TCP, TCP_CORK, 1);
	flag("TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 60);
	flag("TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 10);
	flag("TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 3);
	flag("TCP_KEEPCNT 0", IPPROTO_TCP, TCP_KEEPCNT, 0);
	flag("TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 1000);
	flag("TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
	flag("SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1);
	flag("SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 7);
	flag("SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1);
	flag("SO_BROADCAST", SOL_SOCKET, SO_BROADCAST, 1);
	flag("SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1);
	flag("SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 10);
	flag("IP_TOS", IPPROTO_IP, IP_TOS, 0x10);
	flag("IP_TTL", IPPROTO_IP, IP_TTL, 33);
	flag("IP_TTL 0", IPPROTO_IP, IP_TTL, 0);
	int v = 0;
	socklen_t n = sizeof v;
	getsockopt(s, SOL_SOCKET, SO_SNDBUF, &v, &n);
	FACT("SO_SNDBUF %d", v);
	getsockopt(s, SOL_SOCKET, SO_RCVBUF, &v, &n);
	FACT("SO_RCVBUF %d", v);
	struct tcp_info info;
	n = sizeof info;
	CALL("TCP_INFO", getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &n));
	FACT("state %d", info.tcpi_state);
	CALL("no such option of TCP", setsockopt(s, IPPROTO_TCP, 200, &v, sizeof v));
	CALL("no such level", setsockopt(s, 250, 1, &v, sizeof v));
	CALL("too short", setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &v, 3));
	s = socket(AF_INET, SOCK_DGRAM, 0);
	CALL("TCP_NODELAY of UDP", setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &v, sizeof v));
	getsockopt(s, SOL_SOCKET, SO_RCVBUF, &v, &n);
	FACT("UDP's SO_RCVBUF %d", v);
}
