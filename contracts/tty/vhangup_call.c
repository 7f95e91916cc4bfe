// vhangup(2): hangs up the caller's terminal: every descriptor of it is dead, SIGHUP comes; rights.
// tty
#include "contract.h"

int main(void)
{
	note_signal(SIGHUP, 0);
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		CALL("a user", vhangup());
	}
	REAP(pid);
	char name[64], c;
	ttyname_r(0, name, sizeof name);
	int other = open(name, O_RDWR | O_NOCTTY);
	pid = fork();
	if (pid == 0) {
		signal(SIGHUP, SIG_IGN);
		_exit(read(0, &c, 1) == 0 ? 7 : 8);
	}
	asleep(pid);
	CALL("vhangup", vhangup());
	EVENTUALLY(got[SIGHUP] > 0);
	FACT("SIGHUP %d", got[SIGHUP] > 0);
	ENDED("a sleeping reader sees the end", pid);
	CALL("read", read(0, &c, 1));
	CALL("write", write(0, "x", 1));
	CALL("another descriptor", write(other, "x", 1));
	struct termios t;
	CALL("tcgetattr", tcgetattr(0, &t));
	struct pollfd p = { 0, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	FACT("poll %#x", p.revents);
	CALL("/dev/tty", open("/dev/tty", O_RDWR));
	struct stat st;
	CALL("fstat goes on", fstat(0, &st));
	CALL("close", close(0));
}
