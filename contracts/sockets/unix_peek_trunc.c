// recv(2): MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_DONTWAIT on streams and datagrams, SO_PEEK_OFF.
#include "contract.h"

int main(void)
{
	int s[2], d[2];
	char b[32] = "";
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, d);
	send(s[0], "hello", 5, 0);
	send(s[0], "world", 5, 0);
	CALL("peek across writes", recv(s[1], b, 32, MSG_PEEK));
	FACT("'%s'", b);
	CALL("peek again", recv(s[1], b, 3, MSG_PEEK));
	CALL("take", recv(s[1], b, 7, 0));
	CALL("the rest", recv(s[1], b, 32, 0));
	CALL("peek at nothing", recv(s[1], b, 32, MSG_PEEK | MSG_DONTWAIT));
	CALL("MSG_WAITALL does not wait with MSG_DONTWAIT", recv(s[1], b, 1, MSG_WAITALL | MSG_DONTWAIT));
	send(d[0], "datagram", 8, 0);
	struct iovec v = { b, 4 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	CALL("peek at a part", recvmsg(d[1], &m, MSG_PEEK));
	FACT("MSG_TRUNC in flags %d", !!(m.msg_flags & MSG_TRUNC));
	CALL("peek with MSG_TRUNC", recv(d[1], b, 4, MSG_PEEK | MSG_TRUNC));
	CALL("room for nothing", recv(d[1], b, 0, MSG_TRUNC));
	CALL("it is gone", recv(d[1], b, 4, MSG_DONTWAIT));
	pid_t pid = LATER(recv(s[1], b, 10, MSG_WAITALL));
	send(s[0], "123", 3, 0);
	asleep(pid);
	send(s[0], "4567890", 7, 0);
	CAME("MSG_WAITALL", pid);
	pid = LATER(recv(s[1], b, 10, MSG_WAITALL));
	send(s[0], "abc", 3, 0);
	asleep(pid);
	shutdown(s[0], SHUT_WR);
	CAME("MSG_WAITALL cut by the end", pid);
	int off = 0;
	socklen_t n = sizeof off;
	getsockopt(d[1], SOL_SOCKET, SO_PEEK_OFF, &off, &n);
	FACT("SO_PEEK_OFF %d", off);
	off = 2;
	CALL("set", setsockopt(d[1], SOL_SOCKET, SO_PEEK_OFF, &off, sizeof off));
	send(d[0], "abcdef", 6, 0);
	CALL("peek from 2", recv(d[1], b, 2, MSG_PEEK));
	FACT("'%.2s'", b);
	CALL("and on", recv(d[1], b, 32, MSG_PEEK));
	FACT("'%.2s'", b);
	CALL("MSG_OOB", recv(d[1], b, 1, MSG_OOB));
	CALL("MSG_ERRQUEUE", recv(d[1], b, 1, MSG_ERRQUEUE | MSG_DONTWAIT));
}
