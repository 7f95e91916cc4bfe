// setsid(2), tty(4): the leader's end: SIGHUP to the foreground, no controlling terminal afterwards, but a pty goes on.
#include "contract.h"

int main(void)
{
	int m = MUST(posix_openpt(O_RDWR | O_NOCTTY)), n, unlock = 0;
	char name[64];
	ioctl(m, TIOCSPTLCK, &unlock);
	ioctl(m, TIOCGPTN, &n);
	sprintf(name, "/dev/pts/%d", n);
	struct gate ready = gate_new(), done = gate_new(), more = gate_new();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t leader;
	CHILD(leader)
	{
		setsid();
		int s = MUST(open(name, O_RDWR | O_NONBLOCK));
		pid_t fg = fork();
		if (fg == 0) {
			block(SIGHUP);
			note_signal(SIGCONT, 0);
			note_signal(SIGHUP, 0);
			setpgid(0, 0);
			signal(SIGTTOU, SIG_IGN);
			tcsetpgrp(s, getpgrp());
			gate_open(ready);
			sigset_t none;
			sigemptyset(&none);
			while (!got[SIGHUP])
				sigsuspend(&none);
			gate_wait(more);
			FACT("foreground: SIGHUP %d SIGCONT %d", got[SIGHUP], got[SIGCONT]);
			char c;
			CALL("read", read(s, &c, 1));
			CALL("write", write(s, "x", 1));
			struct termios t;
			CALL("tcgetattr", tcgetattr(s, &t));
			CALL("/dev/tty", open("/dev/tty", O_RDWR));
			struct pollfd p = { s, POLLIN | POLLOUT, 0 };
			poll(&p, 1, 0);
			FACT("poll %#x", p.revents);
			gate_open(done);
			gate_wait(ready);
			_exit(0);
		}
		gate_wait(ready);
	}
	ENDED("leader", leader);
	gate_open(more);
	gate_wait(done);
	char c;
	CALL("the master", read(m, &c, 1));
	pid_t next;
	CHILD(next)
	{
		setsid();
		int s = MUST(open(name, O_RDWR));
		IS("a new session takes the terminal", tcgetpgrp(s) == getpgrp());
	}
	REAP(next);
	gate_open(ready);
}
