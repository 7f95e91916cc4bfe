// termios(3): ISIG: VINTR, VQUIT and VSUSP signal the foreground group and flush, unless NOFLSH.
// tty
#include "contract.h"

static void count(const char *name)
{
	FACT("%s: INT %d QUIT %d TSTP %d", name, got[SIGINT], got[SIGQUIT], got[SIGTSTP]);
}

int main(void)
{
	note_signal(SIGINT, SA_RESTART);
	note_signal(SIGQUIT, SA_RESTART);
	note_signal(SIGTSTP, SA_RESTART);
	struct termios t, plain;
	tcgetattr(0, &plain);
	t = plain;
	t.c_lflag &= ~ECHO;
	tcsetattr(0, TCSANOW, &t);
	int n;
	TYPE("\x03");
	EVENTUALLY(got[SIGINT] == 1);
	TYPE("\x1c");
	EVENTUALLY(got[SIGQUIT] == 1);
	TYPE("\x1a");
	EVENTUALLY(got[SIGTSTP] == 1);
	count("one each");
	TYPE("typed\x03");
	EVENTUALLY(got[SIGINT] == 2);
	TYPE("x\n");
	char b[32] = "";
	CALL("what was typed before is flushed", read(0, b, 32));
	t.c_lflag |= NOFLSH;
	tcsetattr(0, TCSANOW, &t);
	TYPE("kept\x03\n");
	EVENTUALLY(got[SIGINT] == 3);
	CALL("NOFLSH", read(0, b, 32));
	t.c_lflag &= ~ISIG;
	tcsetattr(0, TCSANOW, &t);
	TYPE("\x03\x1c\n");
	CALL("without ISIG", read(0, b, 32));
	count("none came");
	t.c_lflag |= ISIG;
	t.c_cc[VINTR] = 'i';
	t.c_cc[VQUIT] = _POSIX_VDISABLE;
	tcsetattr(0, TCSANOW, &t);
	TYPE("i");
	EVENTUALLY(got[SIGINT] == 4);
	TYPE("\x03\x1c\n");
	CALL("other characters are ordinary", read(0, b, 32));
	count("INTR is i, QUIT disabled");
	CALL("TIOCSIG of the master", ioctl(9, TIOCSIG, SIGQUIT));
	EVENTUALLY(got[SIGQUIT] == 2);
	CALL("of the slave", ioctl(0, TIOCSIG, SIGQUIT));
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		pause();
	}
	EVENTUALLY(getpgid(pid) == pid);
	TYPE("i");
	EVENTUALLY(got[SIGINT] == 5);
	int status;
	FACT("a background group gets none: %d", waitpid(pid, &status, WNOHANG));
	kill(pid, SIGKILL);
	ENDED("child", pid);
}
