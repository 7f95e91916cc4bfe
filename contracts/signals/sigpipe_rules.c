// pipe(7), write(2): SIGPIPE and EPIPE; MSG_NOSIGNAL; an ignored SIGPIPE.
#include "contract.h"

int main(void)
{
	int p[2];
	pid_t pid;
	pipe(p);
	close(p[0]);
	CHILD(pid) { write(p[1], "x", 1); }
	ENDED("default", pid);
	note_signal(SIGPIPE, 0);
	CALL("write with a handler", write(p[1], "x", 1));
	FACT("SIGPIPE %d", got[SIGPIPE]);
	CALL("write of nothing", write(p[1], "", 0));
	FACT("SIGPIPE %d", got[SIGPIPE]);
	int s[2];
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	close(s[0]);
	CALL("send with MSG_NOSIGNAL", send(s[1], "x", 1, MSG_NOSIGNAL));
	FACT("SIGPIPE %d", got[SIGPIPE]);
	CALL("send", send(s[1], "x", 1, 0));
	FACT("SIGPIPE %d", got[SIGPIPE]);
	CALL("write", write(s[1], "x", 1));
	FACT("SIGPIPE %d", got[SIGPIPE]);
	signal(SIGPIPE, SIG_IGN);
	CALL("ignored", write(p[1], "x", 1));
}
