// tty_ioctl(4), tty(4): acquiring, /dev/tty, TIOCNOTTY, TIOCSCTTY's rules, O_NOCTTY.
#include "contract.h"

static char name[64];
static int m;
static void fresh(void)
{
	int n, unlock = 0;
	m = MUST(posix_openpt(O_RDWR | O_NOCTTY));
	ioctl(m, TIOCSPTLCK, &unlock);
	ioctl(m, TIOCGPTN, &n);
	sprintf(name, "/dev/pts/%d", n);
}

int main(void)
{
	fresh();
	CALL("/dev/tty without one", open("/dev/tty", O_RDWR));
	int s = MUST(open(name, O_RDWR | O_NOCTTY));
	CALL("O_NOCTTY acquires none", open("/dev/tty", O_RDWR));
	pid_t sid = -1;
	CALL("TIOCGSID", ioctl(s, TIOCGSID, &sid));
	CALL("TIOCGPGRP", tcgetpgrp(s));
	close(s);
	pid_t pid;
	CHILD(pid)
	{
		s = open(name, O_RDWR);
		CALL("opened by no leader", open("/dev/tty", O_RDWR));
		CALL("TIOCSCTTY by no leader", ioctl(s, TIOCSCTTY, 0));
	}
	REAP(pid);
	s = MUST(open(name, O_RDWR));
	int t = open("/dev/tty", O_RDWR);
	IS("opened by the leader", t >= 0);
	IS("session", ioctl(t, TIOCGSID, &sid) == 0 && sid == getsid(0));
	IS("foreground", tcgetpgrp(t) == getpgrp());
	write(t, "x", 1);
	char b[8] = "";
	CALL("writes reach it", read(m, b, 8));
	struct stat st;
	fstat(t, &st);
	FACT("the device is that of /dev/tty: %d %d", (int)(st.st_rdev >> 8), (int)(st.st_rdev & 255));
	CALL("TIOCSCTTY again", ioctl(s, TIOCSCTTY, 0));
	int old = m;
	fresh();
	CALL("a second terminal", ioctl(open(name, O_RDWR | O_NOCTTY), TIOCSCTTY, 0));
	CHILD(pid)
	{
		setsid();
		CALL("in a new session", open("/dev/tty", O_RDWR));
		CALL("taken", ioctl(s, TIOCSCTTY, 0));
		note_signal(SIGHUP, 0);
		CALL("stolen by root", ioctl(s, TIOCSCTTY, 1));
		IS("now it is ours", tcgetpgrp(s) == getpgrp());
		CALL("TIOCNOTTY", ioctl(s, TIOCNOTTY));
		FACT("SIGHUP to the group of the leader that gives up: %d", got[SIGHUP]);
	}
	REAP(pid);
	CALL("the robbed session", open("/dev/tty", O_RDWR));
	CALL("TIOCNOTTY without one", ioctl(s, TIOCNOTTY));
}
