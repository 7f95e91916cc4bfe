// poll(2), ppoll(2), select(2): sleepers wake for data from another process; timeouts; null sets; masks.
#include "contract.h"

int main(void)
{
	int p[2];
	pipe(p);
	pid_t parent = getpid(), pid;
	struct pollfd f = { p[0], POLLIN, 0 };
	char c;
	for (int i = 0; i < 3; i++) {
		CHILD(pid)
		{
			asleep(parent);
			write(p[1], "x", 1);
		}
		fd_set r;
		FD_ZERO(&r);
		FD_SET(p[0], &r);
		struct timeval tv = { PATIENCE, 0 };
		struct timespec ts = { PATIENCE, 0 };
		CALL(i == 0 ? "poll" : i == 1 ? "select" : "ppoll",
			i == 0 ? poll(&f, 1, PATIENCE * 1000) : i == 1 ? select(p[0] + 1, &r, NULL, NULL, &tv) : ppoll(&f, 1, &ts, NULL));
		read(p[0], &c, 1);
		REAP(pid);
	}
	long long s = now_ms();
	CALL("timeout of 20 ms", poll(&f, 1, 20));
	WITHIN("took", now_ms() - s, 20, PATIENCE * 1000);
	CALL("no descriptors, no time", poll(NULL, 0, 0));
	CALL("bad address", poll(BAD_POINTER, 1, 0));
	struct timespec bad = { 0, 1000000000 };
	CALL("ppoll out of range", ppoll(&f, 1, &bad, NULL));
	struct timeval neg = { -1, 0 };
	CALL("select negative", select(0, NULL, NULL, NULL, &neg));
	CALL("select -1", select(-1, NULL, NULL, NULL, NULL));
	fd_set r;
	FD_ZERO(&r);
	FD_SET(50, &r);
	struct timeval zero = { 0 };
	CALL("select of a closed descriptor", select(51, &r, NULL, NULL, &zero));
	note_signal(SIGUSR1, 0);
	block(SIGUSR1);
	raise(SIGUSR1);
	sigset_t none;
	sigemptyset(&none);
	struct timespec ts = { PATIENCE, 0 };
	CALL("ppoll lets a pending signal in", ppoll(&f, 1, &ts, &none));
	FACT("handled %d", got[SIGUSR1]);
	raise(SIGUSR1);
	CALL("pselect too", pselect(0, NULL, NULL, NULL, &ts, &none));
	FACT("handled %d", got[SIGUSR1]);
}
