// unix(7): seqpacket sockets: connections with boundaries, MSG_EOR, sizes, end of file.
#include "contract.h"

int main(void)
{
	struct sockaddr_un a = { AF_UNIX, "\0seq" };
	const socklen_t n = sizeof(sa_family_t) + 4;
	int l = socket(AF_UNIX, SOCK_SEQPACKET, 0), c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	bind(l, (void *)&a, n);
	listen(l, 2);
	CALL("send unconnected", send(c, "x", 1, MSG_NOSIGNAL));
	CALL("a stream cannot connect to it", connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, n));
	CALL("connect", connect(c, (void *)&a, n));
	int s = MUST(accept(l, NULL, NULL));
	send(c, "first", 5, MSG_EOR);
	send(c, "second", 6, 0);
	send(c, "", 0, 0);
	char b[16];
	struct iovec v[2] = { { b, 3 }, { b + 3, 13 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
	CALL("scattered", recvmsg(s, &m, 0));
	FACT("'%.5s' flags %#x", b, m.msg_flags);
	CALL("read takes one", read(s, b, 2));
	CALL("the empty one", read(s, b, 2));
	CALL("nothing more", recv(s, b, 2, MSG_DONTWAIT));
	static char big[300000];
	CALL("larger than the buffer", send(c, big, sizeof big, 0));
	CALL("100 KB", send(c, big, 100000, 0));
	CALL("arrives whole", recv(s, big, sizeof big, 0));
	int avail = 0;
	send(c, "1234", 4, 0);
	send(c, "56", 2, 0);
	ioctl(s, FIONREAD, &avail);
	FACT("FIONREAD of a 4- and a 2-byte packet: %d", avail);
	close(c);
	CALL("what was sent before the close", recv(s, b, 16, 0));
	CALL("and this", recv(s, b, 16, 0));
	CALL("then the end", recv(s, b, 16, 0));
	CALL("writing", send(s, "x", 1, MSG_NOSIGNAL));
}
