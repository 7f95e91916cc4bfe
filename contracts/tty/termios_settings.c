// termios(3), tty_ioctl(4): a new pty's settings, what can be set, TCSETSW and TCSETSF, speeds, errors.
// tty
#include "contract.h"

static void show(const char *name, const struct termios *t)
{
	FACT("%s: i %#o o %#o c %#o l %#o line %d", name, t->c_iflag, t->c_oflag, t->c_cflag, t->c_lflag, t->c_line);
}

int main(void)
{
	struct termios t, back;
	CALL("tcgetattr", tcgetattr(0, &t));
	show("initial", &t);
	char text[128] = "";
	for (int i = 0; i < 17; i++)
		snprintf(text + strlen(text), 8, " %d", t.c_cc[i]);
	FACT("c_cc%s", text);
	FACT("speed %d %d", cfgetospeed(&t) == B38400, cfgetispeed(&t) == B38400);
	struct termios raw = t;
	cfmakeraw(&raw);
	CALL("raw", tcsetattr(0, TCSANOW, &raw));
	tcgetattr(0, &back);
	show("raw", &back);
	tcgetattr(9, &back);
	show("the master's are the same", &back);
	raw.c_iflag = raw.c_oflag = raw.c_lflag = -1;
	raw.c_cflag = CS7 | B9600 | PARENB;
	CALL("everything set", tcsetattr(0, TCSADRAIN, &raw));
	tcgetattr(0, &back);
	FACT("i %#x o %#x l %#x: kept", back.c_iflag, back.c_oflag, back.c_lflag);
	FACT("a pty has 8 bits and no parity: %d", (back.c_cflag & (CSIZE | PARENB)) == CS8);
	FACT("9600: %d", cfgetospeed(&back) == B9600);
	TYPE("typed ahead");
	tcsetattr(0, TCSANOW, &t);
	CALL("TCSAFLUSH", tcsetattr(0, TCSAFLUSH, &t));
	int n = -1;
	ioctl(0, FIONREAD, &n);
	FACT("nothing left %d", n);
	CALL("a bad action", tcsetattr(0, 99, &t));
	CALL("bad pointer", ioctl(0, TCGETS, BAD_POINTER));
	int p[2];
	pipe(p);
	CALL("a pipe", tcgetattr(p[0], &t));
	FACT("isatty %d %d %d", isatty(0), isatty(9), isatty(p[0]));
	struct stat st;
	fstat(0, &st);
	FACT("mode %o, character device %d, size of blocks %d", st.st_mode & 0777, S_ISCHR(st.st_mode), (int)st.st_blksize);
	FACT("major %d", (int)(st.st_rdev >> 8 & 0xfff));
}
