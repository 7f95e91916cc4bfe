// pty(7), ptmx(4): a new pair, its number and names, hang-up, canonical input and echo.
#include "contract.h"

int main(void)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY), n = -1, unlock = 0;
	IS("open", m >= 0);
	CALL("TIOCGPTN", ioctl(m, TIOCGPTN, &n));
	char path[32], b[256] = "";
	snprintf(path, sizeof path, "/dev/pts/%d", n);
	CALL("locked at first", open(path, O_RDWR | O_NOCTTY));
	CALL("unlock", ioctl(m, TIOCSPTLCK, &unlock));
	int s = open(path, O_RDWR | O_NOCTTY);
	IS("isatty", isatty(s) && isatty(m));
	struct termios t;
	CALL("tcgetattr", tcgetattr(s, &t));
	FACT("iflag %#x oflag %#x cflag %#x lflag %#x", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
	FACT("intr %d eof %d erase %d min %d", t.c_cc[VINTR], t.c_cc[VEOF], t.c_cc[VERASE], t.c_cc[VMIN]);
	write(m, "helloX\177\n", 8);
	memset(b, 0, sizeof b);
	CALL("a line", read(s, b, 100));
	FACT("'%.5s'", b);
	memset(b, 0, sizeof b);
	CALL("echo", read(m, b, 100));
	FACT("erased on screen %d", strstr(b, "\b \b") != NULL);
	write(s, "a\nb", 3);
	memset(b, 0, sizeof b);
	EVENTUALLY(({ int there = 0; ioctl(m, FIONREAD, &there); there; }) == 4); // another thread of Linux brings it
	CALL("newlines become carriage return, newline", read(m, b, 100));
	write(m, "\004", 1);
	CALL("^D is end of file", read(s, b, 100));
	struct winsize w = { 24, 80, 0, 0 };
	CALL("TIOCSWINSZ", ioctl(m, TIOCSWINSZ, &w));
	w.ws_row = 0;
	CALL("TIOCGWINSZ", ioctl(s, TIOCGWINSZ, &w));
	FACT("%d x %d", w.ws_row, w.ws_col);
	cfmakeraw(&t);
	tcsetattr(s, TCSANOW, &t);
	write(m, "q", 1);
	CALL("raw", read(s, b, 100));
	close(s);
	CALL("no slave", read(m, b, 1));
	s = open(path, O_RDWR | O_NOCTTY);
	close(m);
	CALL("no master: read", read(s, b, 1));
	CALL("no master: write", write(s, "x", 1));
}
