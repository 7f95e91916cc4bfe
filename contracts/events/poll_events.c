// poll(2): which events descriptors report.
#include "contract.h"

static void show(const char *name, int fd, int events)
{
	struct pollfd p = { fd, events, 0 };
	int n = poll(&p, 1, 0);
	FACT("%s: %d%s%s%s%s%s%s", name, n, p.revents & POLLIN ? " IN" : "", p.revents & POLLOUT ? " OUT" : "",
		p.revents & POLLHUP ? " HUP" : "", p.revents & POLLERR ? " ERR" : "", p.revents & POLLNVAL ? " NVAL" : "",
		p.revents & POLLRDHUP ? " RDHUP" : "");
}

int main(void)
{
	int p[2], s[2], all = POLLIN | POLLOUT | POLLRDHUP;
	signal(SIGPIPE, SIG_IGN);
	pipe(p);
	show("empty pipe, read end", p[0], all);
	show("empty pipe, write end", p[1], all);
	write(p[1], "x", 1);
	show("with data", p[0], all);
	close(p[1]);
	show("data, no writer", p[0], all);
	char c;
	read(p[0], &c, 1);
	show("no data, no writer", p[0], all);
	pipe(p);
	close(p[0]);
	show("no reader", p[1], all);
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	show("socket", s[0], all);
	write(s[1], "x", 1);
	show("with data", s[0], all);
	shutdown(s[1], SHUT_WR);
	show("peer shut its side", s[0], all);
	close(s[1]);
	show("peer closed", s[0], all);
	put_file("f", "");
	show("file at its end", open("f", O_RDWR), all);
	show("closed descriptor", 99, all);
	show("negative descriptor", -1, all);
	show("directory", open(".", O_RDONLY), all);
	show("/dev/null", open("/dev/null", O_RDWR), all);
	show("eventfd", eventfd(0, 0), all);
	show("eventfd 1", eventfd(1, 0), all);
	show("nothing asked for", s[0], 0);
}
