// tty_ioctl(4): TIOCGWINSZ, TIOCSWINSZ: both ends, SIGWINCH at a change and to the foreground only.
// tty
#include "contract.h"

int main(void)
{
	struct winsize w = { 9, 9, 9, 9 };
	note_signal(SIGWINCH, 0);
	CALL("at first", ioctl(0, TIOCGWINSZ, &w));
	FACT("%d x %d, %d x %d", w.ws_col, w.ws_row, w.ws_xpixel, w.ws_ypixel);
	w = (struct winsize){ 24, 80, 640, 480 };
	CALL("set on the master", ioctl(9, TIOCSWINSZ, &w));
	EVENTUALLY(got[SIGWINCH] == 1);
	memset(&w, 0, sizeof w);
	ioctl(0, TIOCGWINSZ, &w);
	FACT("%d x %d, %d x %d, signals %d", w.ws_col, w.ws_row, w.ws_xpixel, w.ws_ypixel, got[SIGWINCH]);
	CALL("the same again", ioctl(9, TIOCSWINSZ, &w));
	FACT("no signal: %d", got[SIGWINCH]);
	w.ws_col = 100;
	CALL("set on the slave", ioctl(0, TIOCSWINSZ, &w));
	EVENTUALLY(got[SIGWINCH] == 2);
	ioctl(9, TIOCGWINSZ, &w);
	FACT("master %d x %d", w.ws_col, w.ws_row);
	w.ws_xpixel = 1;
	ioctl(0, TIOCSWINSZ, &w);
	FACT("pixels count as a change: %d", EVENTUALLY(got[SIGWINCH] == 3));
	signal(SIGWINCH, SIG_DFL);
	w.ws_row = 50;
	CALL("ignored by default", ioctl(0, TIOCSWINSZ, &w));
	CALL("bad pointer", ioctl(0, TIOCSWINSZ, BAD_POINTER));
	CALL("a pipe", ({ int p[2]; pipe(p); ioctl(p[0], TIOCGWINSZ, &w); }));
	CALL("/dev/null", ioctl(open("/dev/null", O_RDWR), TIOCGWINSZ, &w));
}
