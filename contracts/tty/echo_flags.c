// termios(3): c_lflag's echo: ECHO, ECHONL, ECHOE, ECHOK, ECHOKE, ECHOCTL, ECHOPRT.
// tty
#include "contract.h"

static struct termios plain;
static void echoed(const char *name, tcflag_t lflag, const char *keys)
{
	struct termios t = plain;
	t.c_lflag = lflag;
	tcsetattr(0, TCSANOW, &t);
	TYPE(keys);
	char b[128], out[512] = "";
	int n = HEAR(b, sizeof b);
	for (int i = 0; i < n; i++)
		snprintf(out + strlen(out), 8, b[i] < 32 || b[i] > 126 ? "\\%d" : "%c", b[i]);
	FACT("%s: %s", name, out);
	tcflush(0, TCIFLUSH);
}

int main(void)
{
	tcgetattr(0, &plain);
	fcntl(0, F_SETFL, O_NONBLOCK);
	echoed("none", ICANON, "ab\n");
	echoed("ECHO", ICANON | ECHO, "ab\n");
	echoed("ECHONL alone", ICANON | ECHONL, "ab\n");
	echoed("ECHONL, not canonical", ECHONL, "ab\n");
	echoed("ECHO, not canonical", ECHO, "ab\r\n\x01");
	echoed("ECHOCTL", ICANON | ECHO | ECHOCTL, "a\x01\t\x1b\n");
	echoed("without ECHOCTL", ICANON | ECHO, "a\x01\t\x1b\n");
	echoed("erase without ECHOE", ICANON | ECHO, "ab\x7f\n");
	echoed("ECHOE", ICANON | ECHO | ECHOE, "ab\x7f\n");
	echoed("ECHOE of a control character", ICANON | ECHO | ECHOE | ECHOCTL, "a\x01\x7f\n");
	echoed("ECHOE of a tab", ICANON | ECHO | ECHOE, "ab\t\x7f\n");
	echoed("kill without ECHOK", ICANON | ECHO, "abc\x15\n");
	echoed("ECHOK", ICANON | ECHO | ECHOK, "abc\x15\n");
	echoed("ECHOK, ECHOKE and ECHOE", ICANON | ECHO | ECHOK | ECHOKE | ECHOE, "abc\x15\n");
	echoed("ECHOPRT", ICANON | ECHO | ECHOE | ECHOPRT, "abc\x7f\x7f" "d\n");
	echoed("end of file", ICANON | ECHO | ECHOCTL, "\x04");
	echoed("word erase", ICANON | ECHO | ECHOE | IEXTEN, "ab cd\x17\n");
	echoed("word erase without IEXTEN", ICANON | ECHO | ECHOE | ECHOCTL, "ab cd\x17\n");
	echoed("interrupt", ICANON | ECHO | ECHOCTL, "a\x03\n");
	signal(SIGINT, SIG_IGN);
	echoed("interrupt with ISIG", ICANON | ECHO | ECHOCTL | ISIG, "a\x03" "b\n");
}
