// unix(7): datagram and seqpacket sockets keep boundaries; addresses; autobind; abstract names.
#include "contract.h"

int main(void)
{
	int d[2], q[2];
	char b[16] = "";
	socketpair(AF_UNIX, SOCK_DGRAM, 0, d);
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, q);
	send(d[0], "abc", 3, 0);
	send(d[0], "", 0, 0);
	send(d[0], "defgh", 5, 0);
	CALL("first", recv(d[1], b, 16, 0));
	CALL("empty", recv(d[1], b, 16, 0));
	CALL("cut off", recv(d[1], b, 2, 0));
	CALL("the rest is gone", recv(d[1], b, 16, MSG_DONTWAIT));
	send(q[0], "12345", 5, 0);
	CALL("MSG_TRUNC tells the size", recv(q[1], b, 2, MSG_TRUNC));
	close(q[0]);
	CALL("seqpacket end of file", recv(q[1], b, 16, 0));
	close(d[0]);
	CALL("datagram, peer closed", send(d[1], "x", 1, MSG_NOSIGNAL));
	int a = socket(AF_UNIX, SOCK_DGRAM, 0), s = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un n = { AF_UNIX, "\0abstract" }, from;
	CALL("abstract name", bind(a, (void *)&n, sizeof(sa_family_t) + 9));
	CALL("taken", bind(s, (void *)&n, sizeof(sa_family_t) + 9));
	CALL("autobind", bind(s, (void *)&n, sizeof(sa_family_t)));
	socklen_t len = sizeof from;
	getsockname(s, (void *)&from, &len);
	FACT("name of %d bytes, abstract %d", (int)len, from.sun_path[0] == 0);
	CALL("sendto", sendto(s, "hi", 2, 0, (void *)&n, sizeof(sa_family_t) + 9));
	len = sizeof from;
	CALL("recvfrom", recvfrom(a, b, 16, 0, (void *)&from, &len));
	FACT("sender's name has %d bytes", (int)len);
	CALL("not connected", send(s, "x", 1, 0));
	n.sun_path[1] = 'X';
	CALL("nobody there", sendto(s, "x", 1, 0, (void *)&n, sizeof(sa_family_t) + 9));
}
