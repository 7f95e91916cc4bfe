// tty_ioctl(4), termios(3): background groups: SIGTTIN at read, SIGTTOU at settings and with TOSTOP at write; EIO.
// tty
#include "contract.h"

static pid_t background(int what, int disposition)
{
	pid_t pid;
	CHILD(pid)
	{
		char c;
		struct termios t;
		setpgid(0, 0);
		signal(SIGTTIN, disposition ? SIG_IGN : SIG_DFL);
		signal(SIGTTOU, disposition ? SIG_IGN : SIG_DFL);
		if (disposition == 2) { // blocked
			signal(SIGTTIN, SIG_DFL);
			signal(SIGTTOU, SIG_DFL);
			block(SIGTTIN);
			block(SIGTTOU);
		}
		long r = 0;
		if (what == 0)
			r = read(0, &c, 1);
		else if (what == 1)
			r = write(0, "b", 1);
		else if (what == 2)
			r = tcgetattr(0, &t) | tcsetattr(0, TCSANOW, &t);
		else if (what == 3)
			r = tcsetpgrp(0, getpgrp());
		else
			r = tcgetattr(0, &t);
		_exit(r < 0 ? errno : 0);
	}
	return pid;
}
static void outcome(const char *name, pid_t pid)
{
	int status;
	waitpid(pid, &status, WUNTRACED);
	SAY_STATUS(name, status);
	if (WIFSTOPPED(status)) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
}

int main(void)
{
	FACT("EIO is %d", EIO);
	const char *calls[] = { "read", "write", "tcsetattr", "tcsetpgrp", "tcgetattr" };
	for (int d = 0; d < 3; d++)
		for (int i = 0; i < 5; i++) {
			char name[64];
			snprintf(name, sizeof name, "%s, signals %s", calls[i], d == 0 ? "default" : d == 1 ? "ignored" : "blocked");
			outcome(name, background(i, d));
			signal(SIGTTOU, SIG_IGN);
			tcsetpgrp(0, getpgrp());
		}
	struct termios t;
	tcgetattr(0, &t);
	t.c_lflag |= TOSTOP;
	tcsetattr(0, TCSANOW, &t);
	outcome("TOSTOP: write", background(1, 0));
	outcome("TOSTOP: write, ignored", background(1, 1));
	CALL("tcsetpgrp to no group", tcsetpgrp(0, 99999));
	CALL("to another session's", tcsetpgrp(0, 1));
	CALL("negative", tcsetpgrp(0, -1));
	CALL("not a terminal", tcsetpgrp(1, getpgrp()));
}
