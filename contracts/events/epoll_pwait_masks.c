// epoll_pwait(2), epoll_pwait2(2), ppoll(2), pselect(2): the mask during the wait, timeouts, sizes, errors.
#include "contract.h"

int main(void)
{
	int e = epoll_create1(0), p[2];
	pipe(p);
	struct epoll_event v = { EPOLLIN }, out[2];
	epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v);
	note_signal(SIGUSR1, 0);
	block(SIGUSR1);
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	raise(SIGUSR1);
	CALL("a pending signal unblocked by the mask", epoll_pwait(e, out, 2, -1, &none));
	FACT("handled %d, blocked again %d", got[SIGUSR1], ({ sigset_t now; sigprocmask(0, NULL, &now); sigismember(&now, SIGUSR1); }));
	raise(SIGUSR1);
	CALL("blocked: times out", epoll_pwait(e, out, 2, 5, &all));
	FACT("handled %d", got[SIGUSR1]);
	write(p[1], "x", 1);
	CALL("ready wins over the signal", epoll_pwait(e, out, 2, -1, &none));
	FACT("which stays: handled %d pending %d", got[SIGUSR1], is_pending(SIGUSR1));
	struct pollfd q = { p[0], POLLIN, 0 };
	CALL("ppoll: ready", ppoll(&q, 1, NULL, &none));
	FACT("handled %d", got[SIGUSR1]);
	char c;
	read(p[0], &c, 1);
	CALL("ppoll: not ready", ppoll(&q, 1, NULL, &none));
	FACT("handled %d", got[SIGUSR1]);
	raise(SIGUSR1);
	fd_set r;
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	CALL("pselect", pselect(p[0] + 1, &r, NULL, NULL, NULL, &none));
	FACT("handled %d, the set is as it was %d", got[SIGUSR1], FD_ISSET(p[0], &r));
	struct timespec t = { 0, 20000000 }, bad = { 0, -1 };
	long long start = now_ms();
	CALL("epoll_pwait2", syscall(441, e, out, 2, &t, NULL, 8));
	WITHIN("took", now_ms() - start, 20, PATIENCE * 1000);
	CALL("a bad time", syscall(441, e, out, 2, &bad, NULL, 8));
	CALL("a mask of another size", syscall(SYS_epoll_pwait, e, out, 2, 0, &none, 4));
	CALL("without mask the size is not looked at", syscall(SYS_epoll_pwait, e, out, 2, 0, NULL, 4));
	CALL("no room", epoll_wait(e, out, 0, 0));
	CALL("negative room", epoll_wait(e, out, -1, 0));
	CALL("not an epoll", epoll_wait(p[0], out, 1, 0));
	CALL("bad pointer when ready", ({ write(p[1], "x", 1); epoll_wait(e, BAD_POINTER, 1, 0); }));
	CALL("still ready", epoll_wait(e, out, 2, 0));
	CALL("ppoll: a bad time", ppoll(&q, 1, &bad, NULL));
	t.tv_nsec = 20000000;
	q.fd = -1;
	syscall(SYS_ppoll, &q, 1, &t, NULL, 8);
	FACT("ppoll leaves the remaining time: %ld", (long)(t.tv_sec + t.tv_nsec));
}
