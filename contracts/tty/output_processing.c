// termios(3): c_oflag: ONLCR, OCRNL, ONOCR, ONLRET, OLCUC, tabs; the column counts.
// tty
#include "contract.h"

static struct termios plain;
static void printed(const char *name, tcflag_t oflag, const char *text)
{
	struct termios t = plain;
	t.c_oflag = oflag;
	tcsetattr(0, TCSANOW, &t);
	long w = write(0, text, strlen(text));
	char b[128], out[512] = "";
	int n = HEAR(b, sizeof b);
	for (int i = 0; i < n; i++)
		snprintf(out + strlen(out), 8, b[i] < 33 ? "\\%d" : "%c", b[i]);
	FACT("%s: wrote %ld: %s", name, w, out);
	t.c_oflag = OPOST | ONLCR;
	tcsetattr(0, TCSANOW, &t);
	write(0, "\n", 1); // to column 0
	HEAR(b, sizeof b);
}

int main(void)
{
	tcgetattr(0, &plain);
	plain.c_lflag &= ~ECHO;
	printed("no OPOST", ONLCR, "a\nb\n");
	printed("ONLCR", OPOST | ONLCR, "a\nb\n");
	printed("no ONLCR", OPOST, "a\nb\n");
	printed("OCRNL", OPOST | OCRNL, "a\rb\r");
	printed("ONOCR at column 0", OPOST | ONOCR, "\ra\r\rb");
	printed("OLCUC", OPOST | OLCUC, "aBc");
	printed("tabs kept", OPOST, "a\tb");
	printed("TAB3", OPOST | TAB3, "a\tb\t\tc");
	printed("TAB3 and backspace", OPOST | TAB3, "abc\b\b\td");
	printed("TAB3 after a line", OPOST | ONLCR | TAB3, "abcdefghij\n\tx");
	printed("ONLRET with TAB3", OPOST | ONLRET | TAB3, "abc\n\tx");
	CALL("an empty write", write(0, "", 0));
	CALL("from a bad pointer", write(0, BAD_POINTER, 1));
	struct iovec v[3] = { { "ab", 2 }, { "\n", 1 }, { "cd", 2 } };
	CALL("writev", writev(0, v, 3));
	char b[16] = "";
	CALL("arrived", HEAR(b, 16));
	CALL("a small read of the master", ({ write(0, "12345", 5); EVENTUALLY(({ int there = 0; ioctl(9, FIONREAD, &there); there; }) == 5); read(9, b, 2); }));
	CALL("the rest", read(9, b, 16));
	fcntl(9, F_SETFL, O_NONBLOCK);
	CALL("nothing more", read(9, b, 16));
}
