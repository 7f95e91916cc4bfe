// tty_ioctl(4): TIOCPKT: the master reads a status byte before data, and flush, stop and start events.
// tty
#include "contract.h"

static void packet(const char *name)
{
	unsigned char b[16];
	struct pollfd p = { 9, POLLIN | POLLPRI, 0 };
	poll(&p, 1, 0);
	errno = 0;
	long n = read(9, b, sizeof b);
	if (n < 0)
		FACT("%s: %s", name, errno_name(errno));
	else
		FACT("%s: %ld bytes, status %#x, priority %d, data '%.*s'", name, n, b[0], !!(p.revents & POLLPRI), (int)n - 1, b + 1);
}

int main(void)
{
	int on = 1, v = -1;
	struct termios t;
	tcgetattr(0, &t);
	t.c_lflag &= ~ECHO;
	tcsetattr(0, TCSANOW, &t);
	fcntl(9, F_SETFL, O_NONBLOCK);
	CALL("TIOCGPKT", ioctl(9, TIOCGPKT, &v));
	FACT("%d", v);
	CALL("TIOCPKT", ioctl(9, TIOCPKT, &on));
	CALL("on the slave", ioctl(0, TIOCPKT, &on));
	packet("nothing");
	write(0, "data", 4);
	packet("data");
	tcflush(0, TCIFLUSH);
	packet("TCIFLUSH");
	tcflush(0, TCIOFLUSH);
	packet("TCIOFLUSH");
	tcflow(0, TCOOFF);
	packet("stopped");
	tcflow(0, TCOON);
	packet("started");
	t.c_iflag &= ~IXON;
	tcsetattr(0, TCSANOW, &t);
	packet("no more ^S");
	t.c_iflag |= IXON;
	tcsetattr(0, TCSANOW, &t);
	packet("^S again");
	char one;
	write(0, "abc", 3);
	CALL("room for one byte", read(9, &one, 1));
	FACT("%d", one);
	packet("the data is still there");
	on = 0;
	CALL("off", ioctl(9, TIOCPKT, &on));
	write(0, "plain", 5);
	char b[8];
	CALL("plain", read(9, b, 8));
}
