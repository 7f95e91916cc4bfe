// unix(7): stream sockets: bind, listen, connect, accept, names, peer's credentials, shutdown.
#include "contract.h"

int main(void)
{
	struct sockaddr_un a = { AF_UNIX, "sock" }, got_a;
	socklen_t len = sizeof got_a;
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CALL("connect to nothing", connect(c, (void *)&a, sizeof a));
	CALL("listen unbound", listen(socket(AF_UNIX, SOCK_STREAM, 0), 1));
	CALL("bind", bind(l, (void *)&a, sizeof a));
	CALL("bind twice", bind(l, (void *)&a, sizeof a));
	CALL("name taken", bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof a));
	CALL("nobody listens", connect(c, (void *)&a, sizeof a));
	CALL("listen", listen(l, 1));
	CALL("connect", connect(c, (void *)&a, sizeof a));
	int s = accept4(l, (void *)&got_a, &len, SOCK_CLOEXEC);
	IS("accept", s >= 0);
	FACT("client's name has %d bytes, flags %d", (int)len, fcntl(s, F_GETFD));
	len = sizeof got_a;
	getpeername(c, (void *)&got_a, &len);
	FACT("peer '%s' %d", got_a.sun_path, (int)len);
	struct ucred u;
	len = sizeof u;
	CALL("SO_PEERCRED", getsockopt(s, SOL_SOCKET, SO_PEERCRED, &u, &len));
	IS("own", u.pid == getpid() && u.uid == getuid());
	int v = 0;
	len = sizeof v;
	getsockopt(s, SOL_SOCKET, SO_RCVBUF, &v, &len);
	FACT("SO_RCVBUF %d", v);
	getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &len);
	FACT("SO_TYPE %d", v);
	getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &v, &len);
	FACT("SO_ACCEPTCONN %d", v);
	char b[16] = "";
	CALL("empty", recv(c, b, 16, 0));
	send(s, "hello", 5, 0);
	CALL("MSG_PEEK", recv(c, b, 3, MSG_PEEK));
	CALL("read", recv(c, b, 16, 0));
	CALL("shutdown", shutdown(s, SHUT_WR));
	CALL("end of file", recv(c, b, 16, 0));
	CALL("send after shutdown", send(s, "x", 1, MSG_NOSIGNAL));
	CALL("the other way", send(c, "x", 1, 0));
	close(s);
	CALL("unread data at the peer's close", recv(c, b, 1, 0));
	CALL("bad domain", socket(99, SOCK_STREAM, 0));
	CALL("bad type", socket(AF_UNIX, 99, 0));
	CALL("bad protocol", socket(AF_UNIX, SOCK_STREAM, 77));
	CALL("accept on a client", accept(c, NULL, NULL));
	unlink("sock");
	CALL("gone", connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof a));
}
