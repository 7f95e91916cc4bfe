// unix(7), connect(2): connected datagram sockets: default peer, filtering, dissolving, a full receiver, errors.
#include "contract.h"

static struct sockaddr_un name(const char *text)
{
	struct sockaddr_un a = { AF_UNIX };
	strcpy(a.sun_path + 1, text);
	return a;
}
#define TO(x) (void *)&x, sizeof(sa_family_t) + 4

int main(void)
{
	struct sockaddr_un na = name("aaa"), nb = name("bbb"), from;
	int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM, 0);
	bind(a, TO(na));
	bind(b, TO(nb));
	CALL("connect", connect(a, TO(nb)));
	CALL("send", send(a, "hi", 2, 0));
	char d[16];
	socklen_t n = sizeof from;
	CALL("receive", recvfrom(b, d, 16, 0, (void *)&from, &n));
	FACT("from '%.3s' length %d", from.sun_path + 1, (int)n);
	CALL("sendto elsewhere while connected", sendto(a, "me", 2, 0, TO(na)));
	CALL("a stranger to the connected", sendto(c, "x", 1, 0, TO(na)));
	CALL("its peer may", sendto(b, "x", 1, 0, TO(na)));
	CALL("connect again", connect(a, TO(na)));
	struct sockaddr none = { AF_UNSPEC };
	CALL("dissolve", connect(a, &none, sizeof none));
	CALL("send without a peer", send(a, "x", 1, 0));
	CALL("getpeername", getpeername(a, (void *)&from, &n));
	CALL("a stranger now", sendto(c, "y", 1, 0, TO(na)));
	n = sizeof from;
	CALL("from an unnamed one", recvfrom(a, d, 16, 0, (void *)&from, &n));
	FACT("length %d", (int)n);
	CALL("what the old peer sent went with it", recv(a, d, 16, MSG_DONTWAIT));
	connect(c, TO(nb));
	int sent = 0;
	while (send(c, "m", 1, MSG_DONTWAIT) == 1)
		sent++;
	FACT("full after %d: %s", sent, errno_name(errno));
	struct pollfd p = { c, POLLOUT, 0 };
	FACT("poll %d", poll(&p, 1, 0));
	recv(b, d, 16, 0);
	pid_t pid = LATER(({ send(c, "m", 1, 0); send(c, "m", 1, 0); }));
	recv(b, d, 16, 0);
	CAME("room wakes the sender", pid);
	close(b);
	CALL("the peer closed", send(c, "m", 1, 0));
	CALL("its name is free", bind(socket(AF_UNIX, SOCK_DGRAM, 0), TO(nb)));
	CALL("the old peer is still the closed one", send(c, "m", 1, 0));
	CALL("reconnect", connect(c, TO(nb)));
	CALL("send", send(c, "m", 1, 0));
}
