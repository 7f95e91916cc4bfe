// termios(3): c_iflag: ICRNL, INLCR, IGNCR, ISTRIP, IUCLC, IXANY apart; switching canonical mode keeps what was typed.
// tty
#include "contract.h"

static struct termios plain;
static void typed(const char *name, tcflag_t iflag, tcflag_t lflag, const char *keys)
{
	struct termios t = plain;
	t.c_iflag = iflag;
	t.c_lflag = lflag;
	t.c_cc[VMIN] = 0;
	tcsetattr(0, TCSANOW, &t);
	TYPE(keys);
	char b[32], text[128] = "";
	long n = read(0, b, sizeof b);
	for (int i = 0; i < n; i++)
		snprintf(text + strlen(text), 8, " %d", (unsigned char)b[i]);
	FACT("%s: %ld:%s", name, n, text);
	tcflush(0, TCIFLUSH);
}

int main(void)
{
	tcgetattr(0, &plain);
	fcntl(0, F_SETFL, O_NONBLOCK);
	typed("none", 0, 0, "a\r\nb");
	typed("ICRNL", ICRNL, 0, "a\r\nb");
	typed("INLCR", INLCR, 0, "a\r\nb");
	typed("IGNCR", IGNCR, 0, "a\r\nb");
	typed("IGNCR and ICRNL", IGNCR | ICRNL, 0, "a\r\nb");
	typed("INLCR and ICRNL", INLCR | ICRNL, 0, "a\r\nb");
	typed("ISTRIP", ISTRIP, 0, "a\xe1\xff");
	typed("IUCLC without IEXTEN", IUCLC, 0, "AbC");
	typed("IUCLC with IEXTEN", IUCLC, IEXTEN, "AbC");
	typed("canonical with ICRNL", ICRNL, ICANON, "ab\rc");
	typed("canonical with INLCR", INLCR, ICANON, "ab\nc");
	typed("a second end of line", 0, ICANON, "ab\nc");
	struct termios t = plain;
	t.c_lflag &= ~(ICANON | ECHO);
	t.c_cc[VMIN] = 0;
	tcsetattr(0, TCSANOW, &t);
	TYPE("typed raw\n");
	t.c_lflag |= ICANON;
	tcsetattr(0, TCSANOW, &t);
	char b[32] = "";
	CALL("typed raw, read canonically", read(0, b, 32));
	TYPE("part");
	CALL("no line yet", read(0, b, 32));
	t.c_lflag &= ~ICANON;
	tcsetattr(0, TCSANOW, &t);
	CALL("typed canonically, read raw", read(0, b, 32));
	t.c_lflag |= ICANON;
	t.c_cc[VEOL] = ';';
	tcsetattr(0, TCSANOW, &t);
	TYPE("one;two\n");
	CALL("VEOL", read(0, b, 32));
	FACT("'%.4s'", b);
}
