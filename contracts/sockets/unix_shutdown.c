// shutdown(2): each direction, seen from both sides, by read, write and poll.
#include "contract.h"

static void look(const char *name, int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };
	poll(&p, 1, 0);
	char c;
	errno = 0;
	long r = recv(fd, &c, 1, MSG_DONTWAIT);
	const char *re = r < 0 ? errno_name(errno) : r ? "data" : "end";
	errno = 0;
	long w = send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	FACT("%s: poll%s%s%s%s read %s write %s", name, p.revents & POLLIN ? " IN" : "", p.revents & POLLOUT ? " OUT" : "",
	     p.revents & POLLRDHUP ? " RDHUP" : "", p.revents & POLLHUP ? " HUP" : "", re, w < 0 ? errno_name(errno) : "ok");
}

int main(void)
{
	int s[2];
	const char *hows[] = { "SHUT_RD", "SHUT_WR", "SHUT_RDWR" };
	int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	for (int t = 0; t < 3; t++)
		for (int how = 0; how < 3; how++) {
			socketpair(AF_UNIX, types[t], 0, s);
			CALL(hows[how], shutdown(s[0], how));
			look("here", s[0]);
			look("there", s[1]);
			close(s[0]);
			close(s[1]);
		}
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	send(s[0], "left", 4, 0);
	shutdown(s[0], SHUT_WR);
	look("data before the end", s[1]);
	CALL("bad how", shutdown(s[0], 3));
	CALL("not connected", shutdown(socket(AF_UNIX, SOCK_STREAM, 0), SHUT_RDWR));
	CALL("not a socket", shutdown(0, SHUT_RD));
	int pair[2];
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	char c;
	pid_t pid = LATER(read(pair[0], &c, 1));
	CALL("under a reader", shutdown(pair[0], SHUT_RD));
	CAME("the reader", pid);
}
