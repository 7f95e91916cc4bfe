// termios(3): non-canonical reads: the four cases of VMIN and VTIME.
// tty
#include "contract.h"

static void mode(int vmin, int vtime)
{
	struct termios t;
	tcgetattr(0, &t);
	cfmakeraw(&t);
	t.c_cc[VMIN] = vmin;
	t.c_cc[VTIME] = vtime;
	tcsetattr(0, TCSANOW, &t);
}

int main(void)
{
	char b[16];
	mode(1, 0);
	pid_t pid = LATER(read(0, b, 16));
	TYPE("ab");
	CAME("VMIN 1: at the first", pid);
	mode(3, 0);
	pid = LATER(read(0, b, 16));
	TYPE("a");
	asleep(pid);
	TYPE("b");
	asleep(pid);
	TYPE("c");
	CAME("VMIN 3", pid);
	pid = LATER(read(0, b, 2));
	TYPE("de");
	CAME("VMIN 3, room for 2", pid);
	mode(0, 0);
	CALL("VMIN 0 VTIME 0: nothing there", read(0, b, 16));
	TYPE("xyz");
	CALL("what is there", read(0, b, 2));
	CALL("the rest", read(0, b, 16));
	mode(0, 1);
	long long start = now_ms();
	CALL("VTIME 1: nothing in a tenth", read(0, b, 16));
	WITHIN("waited", now_ms() - start, 90, PATIENCE * 1000);
	mode(0, 100);
	pid = LATER(read(0, b, 16));
	TYPE("q");
	CAME("VTIME: ends at the first byte", pid);
	mode(5, 1);
	pid = LATER(read(0, b, 16));
	TYPE("12");
	CAME("VMIN 5 VTIME 1: a pause between bytes ends it", pid);
	TYPE("12345678");
	CALL("more than VMIN", read(0, b, 16));
	mode(4, 0);
	fcntl(0, F_SETFL, O_NONBLOCK);
	TYPE("12");
	struct pollfd p = { 0, POLLIN, 0 };
	FACT("poll with less than VMIN %d", poll(&p, 1, 0));
	CALL("O_NONBLOCK takes what there is", read(0, b, 16));
	CALL("and nothing", read(0, b, 16));
	TYPE("\x03\x04\r\n\x7f");
	CALL("no character is special", read(0, b, 16));
	FACT("%d %d %d %d %d", b[0], b[1], b[2], b[3], b[4]);
}
