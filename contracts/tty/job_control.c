// tty_ioctl(4), tcsetpgrp(3): a controlling terminal, foreground group, ^C, SIGTTIN, SIGTTOU, SIGHUP at the leader's end.
#include "contract.h"

int main(void)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY), n = -1, unlock = 0, s;
	ioctl(m, TIOCGPTN, &n);
	ioctl(m, TIOCSPTLCK, &unlock);
	char path[32];
	snprintf(path, sizeof path, "/dev/pts/%d", n);
	pid_t leader;
	struct gate last = gate_new(); // opens once the leader has the only descriptor of the master
	CHILD(leader)
	{
		setsid();
		int slave = open(path, O_RDWR);
		IS("opening made it the controlling terminal", tcgetsid(slave) == getpid());
		IS("foreground", tcgetpgrp(slave) == getpgrp());
		CALL("/dev/tty", open("/dev/tty", O_RDWR) >= 0);
		struct gate ready = gate_new();
		pid_t job;
		CHILD(job)
		{
			setpgid(0, 0);
			gate_open(ready);
			char c;
			read(slave, &c, 1);
			_exit(9);
		}
		gate_wait(ready);
		waitpid(job, &s, WUNTRACED);
		SAY_STATUS("background read", s);
		signal(SIGTTOU, SIG_IGN);
		CALL("to the foreground", tcsetpgrp(slave, job));
		kill(job, SIGCONT);
		asleep(job);
		write(m, "\003", 1);
		waitpid(job, &s, WUNTRACED);
		SAY_STATUS("^C", s);
		tcsetpgrp(slave, getpgrp());
		CHILD(job)
		{
			setpgid(0, 0);
			signal(SIGTTOU, SIG_DFL);
			tcsetpgrp(slave, getpgrp());
			_exit(9);
		}
		waitpid(job, &s, WUNTRACED);
		SAY_STATUS("background tcsetpgrp", s);
		kill(job, SIGKILL);
		REAP(job);
		CALL("a group of another session", tcsetpgrp(slave, getppid()));
		signal(SIGHUP, SIG_DFL);
		gate_wait(last);
		close(m);
	}
	close(m);
	gate_open(last);
	ENDED("leader at the hang-up or its end", leader) ;
}
