// termios(3), tcflow(3): ^S holds output, ^Q lets it go; IXANY; TCOOFF and TCOON.
// tty
#include "contract.h"

int main(void)
{
	char b[32] = "";
	struct termios t;
	tcgetattr(0, &t);
	t.c_lflag &= ~ECHO;
	tcsetattr(0, TCSANOW, &t);
	TYPE("\x13");
	pid_t pid = LATER(write(0, "held\n", 5));
	fcntl(9, F_SETFL, O_NONBLOCK);
	CALL("stopped", read(9, b, 32));
	TYPE("\x11");
	CAME("the writer goes on", pid);
	EVENTUALLY(read(9, b, 32) == 6);
	FACT("'%.4s'", b);
	fcntl(0, F_SETFL, O_NONBLOCK);
	CALL("neither character is input", read(0, b, 32));
	TYPE("\x13");
	CALL("write when stopped", write(0, "x", 1));
	struct pollfd p = { 0, POLLOUT, 0 };
	FACT("poll %d", poll(&p, 1, 0));
	TYPE("y\n");
	CALL("other characters do not start it", write(0, "x", 1));
	CALL("but are read", read(0, b, 32));
	t.c_iflag |= IXANY;
	tcsetattr(0, TCSANOW, &t);
	TYPE("z");
	CALL("with IXANY they do", write(0, "x", 1));
	CALL("arrived", read(9, b, 32));
	TYPE("\n");
	CALL("and are read as well", read(0, b, 32));
	CALL("TCOOFF", tcflow(0, TCOOFF));
	CALL("write", write(0, "x", 1));
	CALL("TCOON", tcflow(0, TCOON));
	CALL("write", write(0, "x", 1));
	read(9, b, 32);
	t.c_iflag &= ~IXON;
	tcsetattr(0, TCSANOW, &t);
	TYPE("\x13\n");
	CALL("without IXON it is a character", read(0, b, 32));
	CALL("TCIOFF sends a stop character", tcflow(0, TCIOFF));
	CALL("to the master", read(9, b, 32));
	FACT("%d", b[0]);
	CALL("a bad action", tcflow(0, 9));
}
