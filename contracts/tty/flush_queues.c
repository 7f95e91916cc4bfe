// tcflush(3), tcdrain(3), tty_ioctl(4): TCIFLUSH, TCOFLUSH, FIONREAD, TIOCOUTQ, TIOCSTI, tcsendbreak.
// tty
#include "contract.h"

static int queued(int fd)
{
	int n = -1;
	ioctl(fd, FIONREAD, &n);
	return n;
}

int main(void)
{
	char b[32];
	struct termios t;
	tcgetattr(0, &t);
	t.c_lflag &= ~ECHO;
	tcsetattr(0, TCSANOW, &t);
	fcntl(0, F_SETFL, O_NONBLOCK);
	fcntl(9, F_SETFL, O_NONBLOCK);
	TYPE("abc");
	FACT("half a line counts %d", queued(0));
	TYPE("d\nef\ng");
	FACT("complete lines %d", queued(0));
	CALL("one line", read(0, b, 32));
	FACT("left %d", queued(0));
	CALL("TCIFLUSH", tcflush(0, TCIFLUSH));
	FACT("left %d", queued(0));
	CALL("read", read(0, b, 32));
	write(0, "out", 3);
	EVENTUALLY(queued(9) == 3);
	CALL("the master reads", read(9, b, 32));
	CALL("TCOFLUSH on the slave", tcflush(0, TCOFLUSH));
	TYPE("in\n");
	CALL("the slave reads", read(0, b, 32));
	CALL("TCOFLUSH on the master", tcflush(9, TCOFLUSH));
	CALL("bad queue", tcflush(0, 7));
	CALL("tcdrain", tcdrain(0));
	CALL("tcsendbreak", tcsendbreak(0, 0));
	CALL("tcsendbreak on the master", tcsendbreak(9, 0));
	int n = -1;
	CALL("TIOCOUTQ", ioctl(0, TIOCOUTQ, &n));
	FACT("%d", n);
	CALL("TIOCSTI", ioctl(0, TIOCSTI, "s"));
	CALL("TIOCSTI end of line", ioctl(0, TIOCSTI, "\n"));
	CALL("is read", read(0, b, 32));
	CALL("TIOCEXCL", ioctl(0, TIOCEXCL));
	char name[64];
	ttyname_r(0, name, sizeof name);
	OK("root opens it all the same", open(name, O_RDWR | O_NOCTTY));
	pid_t pid;
	CHILD(pid)
	{
		chmod(name, 0666);
		setuid(1000);
		CALL("a user does not", open(name, O_RDWR | O_NOCTTY));
	}
	REAP(pid);
	CALL("TIOCNXCL", ioctl(0, TIOCNXCL));
	CALL("lseek", lseek(0, 0, SEEK_SET));
	CALL("pread", pread(0, b, 1, 0));
}
