// termios(3): canonical input: lines, erase, kill, word erase, literal next, reprint, end of file, lines in pieces.
// tty
#include "contract.h"

static void typed(const char *name, const char *keys)
{
	char b[64] = "", e[128] = "";
	TYPE(keys);
	errno = 0;
	fcntl(0, F_SETFL, O_NONBLOCK);
	long n = read(0, b, sizeof b - 1);
	int m = HEAR(e, sizeof e - 1);
	char text[512] = "";
	for (int i = 0; i < m; i++)
		snprintf(text + strlen(text), 8, e[i] < 32 || e[i] > 126 ? "\\%d" : "%c", e[i]);
	for (char *p = b; *p; p++)
		*p = *p == '\n' ? '$' : *p;
	FACT("%s: %ld '%s'%s echo '%s'", name, n, n > 0 ? b : "", n < 0 ? errno_name(errno) : "", text);
}

int main(void)
{
	typed("a line", "hello\n");
	typed("half a line", "hel");
	typed("the rest", "lo\n");
	typed("erase", "abX\x7f" "c\n");
	typed("erase more than there is", "a\x7f\x7f\x7f" "b\n");
	typed("kill", "nonsense\x15ok\n");
	typed("word erase", "one two  \x17three\n");
	typed("literal next", "a\x16\x03" "b\x16\x7f\n");
	typed("a control character", "a\x01" "b\n");
	typed("erase a control character", "a\x01\x7f" "b\n");
	typed("erase a tab", "a\tb\x7f\x7f" "c\n");
	typed("reprint", "abc\x12" "d\n");
	typed("carriage return", "cr\r");
	typed("two lines, one read", "one\ntwo\n");
	typed("the other", "");
	typed("end of file after text", "text\x04");
	typed("end of file", "\x04");
	typed("nothing", "");
	char b[8] = "";
	TYPE("123456\n");
	CALL("a small read", read(0, b, 4));
	FACT("'%.4s'", b);
	CALL("the rest", read(0, b, 8));
	char long_line[5001];
	memset(long_line, 'x', 5000);
	struct termios t;
	tcgetattr(0, &t);
	t.c_lflag &= ~ECHO;
	tcsetattr(0, TCSANOW, &t);
	fcntl(9, F_SETFL, O_NONBLOCK);
	write(9, long_line, 5000);
	TYPE("\n");
	static char back[8192];
	CALL("a line of 5000", read(0, back, sizeof back));
}
