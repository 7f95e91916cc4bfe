// socket(7): which options an AF_UNIX socket has, their values and sizes; timeouts.
#include "contract.h"

static int s[2];
static void show(const char *name, int option)
{
	int v[4] = { -7, -7, -7, -7 };
	socklen_t n = sizeof v;
	errno = 0;
	if (getsockopt(s[0], SOL_SOCKET, option, v, &n) == -1)
		FACT("%s: %s", name, errno_name(errno));
	else
		FACT("%s: %d, %d bytes", name, v[0], (int)n);
}

int main(void)
{
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	show("SO_ERROR", SO_ERROR);
	show("SO_KEEPALIVE", SO_KEEPALIVE);
	show("SO_REUSEADDR", SO_REUSEADDR);
	show("SO_BROADCAST", SO_BROADCAST);
	show("SO_LINGER", SO_LINGER);
	show("SO_RCVLOWAT", SO_RCVLOWAT);
	show("SO_SNDLOWAT", SO_SNDLOWAT);
	show("SO_PASSCRED", SO_PASSCRED);
	show("SO_ACCEPTCONN", SO_ACCEPTCONN);
	show("SO_TIMESTAMP", SO_TIMESTAMP);
	show("SO_PRIORITY", SO_PRIORITY);
	show("SO_RCVTIMEO", SO_RCVTIMEO);
	show("999", 999);
	struct timeval t = { 0, 30000 }, bad = { 0, 1000000 };
	CALL("SO_RCVTIMEO", setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
	CALL("a bad time", setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof bad));
	CALL("too short", setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, 4));
	char c;
	long long start = now_ms();
	CALL("read times out", read(s[0], &c, 1));
	IS("after the time", now_ms() - start >= 29);
	setsockopt(s[1], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
	static char data[1 << 20];
	long n = write(s[1], data, sizeof data);
	IS("a write times out with what it wrote", n > 0 && n < (long)sizeof data);
	CALL("and with nothing", write(s[1], data, 1));
	int one = 1, back = 0;
	socklen_t len = 1;
	CALL("an option cut short", getsockopt(s[0], SOL_SOCKET, SO_TYPE, &back, &len));
	FACT("%d byte, %d", (int)len, back);
	len = -1;
	CALL("negative length", getsockopt(s[0], SOL_SOCKET, SO_TYPE, &back, &len));
	CALL("SO_TYPE cannot be set", setsockopt(s[0], SOL_SOCKET, SO_TYPE, &one, sizeof one));
	CALL("set with 2 bytes", setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &one, 2));
	CALL("TCP's level", setsockopt(s[0], 6, 1, &one, sizeof one));
	CALL("not a socket", getsockopt(0, SOL_SOCKET, SO_TYPE, &back, &len));
	CALL("bad pointer", setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, BAD_POINTER, 4));
}
