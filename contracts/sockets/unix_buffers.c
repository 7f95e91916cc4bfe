// socket(7), unix(7): SO_SNDBUF and SO_RCVBUF; a full stream blocks and says EAGAIN; room wakes the writer.
#include "contract.h"

static int get(int s, int option)
{
	int v = -1;
	socklen_t n = sizeof v;
	return getsockopt(s, SOL_SOCKET, option, &v, &n) == -1 ? -errno : v;
}

int main(void)
{
	int s[2], v;
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	FACT("defaults: send %d receive %d", get(s[0], SO_SNDBUF), get(s[0], SO_RCVBUF));
	v = 10000;
	CALL("SO_SNDBUF 10000", setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof v));
	FACT("reads %d", get(s[0], SO_SNDBUF));
	v = 1;
	setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof v);
	setsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &v, sizeof v);
	FACT("the least: %d %d", get(s[0], SO_SNDBUF), get(s[0], SO_RCVBUF));
	v = 100000000;
	setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof v);
	setsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &v, sizeof v);
	FACT("the most: %d %d", get(s[0], SO_SNDBUF), get(s[0], SO_RCVBUF));
	setsockopt(s[0], SOL_SOCKET, SO_SNDBUFFORCE, &v, sizeof v);
	FACT("forced by root: %d", get(s[0], SO_SNDBUF));
	v = 16384;
	setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &v, sizeof v);
	static char data[1 << 20], back[1 << 20];
	long sent = 0, n;
	while ((n = send(s[0], data + sent, 1000, MSG_DONTWAIT)) > 0)
		sent += n;
	FACT("full: %s", errno_name(errno));
	IS("held between 8 and 64 KB", sent >= 8192 && sent <= 65536);
	struct pollfd p = { s[0], POLLOUT, 0 };
	FACT("poll %d", poll(&p, 1, 0));
	pid_t pid;
	CHILD(pid)
	{
		for (long i = 0; i < (1 << 20); i++)
			data[i] = (i + sent) * 7;
		long done = write(s[0], data, 300000);
		_exit(done == 300000 ? 0 : 1);
	}
	asleep(pid);
	long total = 0, bad = 0;
	while (total < sent + 300000 && (n = read(s[1], back, 5000)) > 0) {
		for (long i = 0; i < n; i++)
			bad += total + i >= sent && back[i] != (char)((total + i) * 7);
		total += n;
	}
	ENDED("a write larger than the buffer", pid);
	FACT("received all: %d, wrong bytes %ld", total == sent + 300000, bad);
	FACT("poll %d", poll(&p, 1, 0));
}
