// setsid(2), tty(4): the end of a session's leader hangs up its terminal where that is a serial line.
#include "contract.h"

#ifdef __x86_64__
#define LINE "/dev/ttyS0"
#else
#define LINE "/dev/ttyAMA0"
#endif

int main(void)
{
	struct gate held = gate_new(), gone = gate_new();
	int report[2];
	MUST(pipe(report));
	pid_t leader;
	CHILD(leader)
	{
		MUST(setsid());
		int fd = MUST(open(LINE, O_RDWR));
		IS("the line controls the session", tcgetpgrp(fd) == getpid());
		fflush(stdout);
		if (fork() == 0) {
			note_signal(SIGHUP, 0);
			note_signal(SIGCONT, 0);
			gate_open(held);
			gate_wait(gone);
			FACT("SIGHUP %d, SIGCONT %d", got[SIGHUP], got[SIGCONT]);
			char c;
			CALL("read", read(fd, &c, 1));
			CALL("write", write(fd, "", 1));
			CALL("tcgetpgrp", tcgetpgrp(fd));
			struct pollfd p = { fd, POLLIN, 0 };
			CALL("poll", poll(&p, 1, 0));
			FACT("hang-up %d, error %d", !!(p.revents & POLLHUP), !!(p.revents & POLLERR));
			CALL("no controlling terminal", open("/dev/tty", O_RDWR));
			int again = open(LINE, O_RDWR | O_NOCTTY);
			IS("opened again", again >= 0);
			CALL("which is no controlling terminal", tcgetpgrp(again));
			fflush(stdout);
			_exit(0);
		}
		close(report[0]);
		gate_wait(held);
	}
	close(report[1]);
	REAP(leader);
	gate_open(gone);
	char c;
	CALL("everybody has ended", read(report[0], &c, 1));
}
