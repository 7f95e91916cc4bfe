// ioctl(2), socket(7), fcntl(2): FIONREAD, SIOCOUTQ, FIONBIO, F_SETOWN and SIGIO on sockets.
#include "contract.h"

int main(void)
{
	int s[2], n = -1, on = 1;
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	CALL("FIONREAD", ioctl(s[1], FIONREAD, &n));
	FACT("%d", n);
	send(s[0], "12345", 5, 0);
	send(s[0], "678", 3, 0);
	ioctl(s[1], FIONREAD, &n);
	FACT("after writes %d", n);
	CALL("SIOCOUTQ", ioctl(s[0], TIOCOUTQ, &n));
	IS("not yet read", n > 0);
	char b[16];
	read(s[1], b, 16);
	ioctl(s[0], TIOCOUTQ, &n);
	FACT("after the read %d", n);
	CALL("FIONBIO", ioctl(s[1], FIONBIO, &on));
	FACT("flags %#o", fcntl(s[1], F_GETFL));
	CALL("read", read(s[1], b, 16));
	CALL("TCGETS", ioctl(s[1], TCGETS, b));
	CALL("unknown", ioctl(s[1], 0x12345678, b));
	CALL("FIOCLEX", ioctl(s[1], FIOCLEX));
	FACT("close-on-exec %d", fcntl(s[1], F_GETFD));
	note_signal(SIGIO, 0);
	CALL("F_SETOWN", fcntl(s[1], F_SETOWN, getpid()));
	IS("F_GETOWN", fcntl(s[1], F_GETOWN) == getpid());
	CALL("O_ASYNC", fcntl(s[1], F_SETFL, O_ASYNC | O_NONBLOCK));
	FACT("flags %#o", fcntl(s[1], F_GETFL));
	send(s[0], "x", 1, 0);
	FACT("SIGIO %d", got[SIGIO] > 0);
	CALL("F_SETOWN of nobody", fcntl(s[1], F_SETOWN, 99999));
	CALL("a group", fcntl(s[1], F_SETOWN, -getpgrp()));
	IS("F_GETOWN is negative", fcntl(s[1], F_GETOWN) == -getpgrp());
	CALL("F_SETSIG", fcntl(s[1], F_SETSIG, SIGUSR1));
	note_signal(SIGUSR1, 0);
	read(s[1], b, 16);
	send(s[0], "x", 1, 0);
	FACT("SIGUSR1 %d", got[SIGUSR1] > 0);
}
