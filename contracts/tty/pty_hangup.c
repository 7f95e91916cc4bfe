// pty(7): the last slave's close and the master's close, as read, write and poll see them; reopening.
#include "contract.h"

static int open_pair(char *name)
{
	int m = MUST(posix_openpt(O_RDWR | O_NOCTTY)), n, unlock = 0;
	ioctl(m, TIOCSPTLCK, &unlock);
	ioctl(m, TIOCGPTN, &n);
	sprintf(name, "/dev/pts/%d", n);
	return m;
}
static void look(const char *name, int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	FACT("%s:%s%s%s%s", name, p.revents & POLLIN ? " IN" : "", p.revents & POLLOUT ? " OUT" : "",
	     p.revents & POLLHUP ? " HUP" : "", p.revents & POLLERR ? " ERR" : "");
}

int main(void)
{
	char name[64], b[16];
	int m = open_pair(name);
	look("a master whose slave was never open", m);
	fcntl(m, F_SETFL, O_NONBLOCK);
	CALL("read", read(m, b, 16));
	CALL("write", write(m, "a\n", 2));
	int s = MUST(open(name, O_RDWR | O_NOCTTY | O_NONBLOCK));
	CALL("what was written before", read(s, b, 16));
	EVENTUALLY(read(m, b, 16) > 0); // the echo
	look("both open", m);
	write(s, "last", 4);
	close(s);
	look("the slave closed", m);
	CALL("what it wrote", read(m, b, 16));
	CALL("then", read(m, b, 16));
	look("drained", m);
	s = MUST(open(name, O_RDWR | O_NOCTTY));
	look("opened again", m);
	CALL("read", read(m, b, 16));
	struct termios t;
	tcgetattr(s, &t);
	t.c_lflag &= ~ECHO;
	tcsetattr(s, TCSANOW, &t);
	int s2 = MUST(open(name, O_RDWR | O_NOCTTY));
	close(s);
	tcgetattr(s2, &t);
	FACT("settings stay while one is open: ECHO %d", !!(t.c_lflag & ECHO));
	pid_t pid = LATER(read(s2, b, 16));
	close(m);
	kill(pid, 0);
	look("the parent's master closed, the child has one", s2);
	kill(pid, SIGKILL);
	REAP(pid);
	EVENTUALLY(({ struct pollfd p = { s2, 0, 0 }; poll(&p, 1, 0); p.revents & POLLHUP; }));
	look("the last master closed", s2);
	CALL("read", read(s2, b, 16));
	CALL("write", write(s2, "x", 1));
	CALL("tcgetattr", tcgetattr(s2, &t));
	CALL("the name is gone", open(name, O_RDWR | O_NOCTTY));
	struct stat st;
	CALL("stat", stat(name, &st));
}
