// epoll(7): several waiters: one wakes per event with EPOLLET and EPOLLONESHOT, EPOLLEXCLUSIVE; fairness of the ready list.
#include "contract.h"

static int e;
static _Atomic int woken, waiting;
static _Atomic pid_t tids[4];
static void *waiter(void *arg)
{
	struct epoll_event v;
	tids[(long)arg] = thread_id();
	int n = epoll_wait(e, &v, 1, -1);
	woken += n;
	return NULL;
}
static void round_of(const char *name, int p[2], unsigned events)
{
	struct epoll_event v = { events };
	pthread_t t[4];
	e = epoll_create1(0);
	woken = 0;
	epoll_ctl(e, EPOLL_CTL_ADD, p[0], &v);
	for (long i = 0; i < 4; i++) {
		tids[i] = 0;
		t[i] = THREAD(waiter, (void *)i);
		EVENTUALLY(tids[i] != 0);
		asleep(tids[i]);
	}
	write(p[1], "x", 1);
	int expected = events == EPOLLIN ? 4 : 1;
	EVENTUALLY(woken >= expected);
	pause_ms(20); // nobody else wakes
	FACT("%s: woken %d of 4", name, woken);
	int quit = eventfd(1, 0);
	v.events = EPOLLIN;
	epoll_ctl(e, EPOLL_CTL_ADD, quit, &v);
	for (int i = 0; i < 4; i++)
		JOIN(t[i]);
	close(quit);
	char c;
	read(p[0], &c, 1);
	close(e);
}

int main(void)
{
	int p[2], q[5][2];
	pipe(p);
	round_of("level, never read", p, EPOLLIN);
	round_of("edge", p, EPOLLIN | EPOLLET);
	round_of("one-shot", p, EPOLLIN | EPOLLONESHOT);
	e = epoll_create1(0);
	for (int i = 0; i < 5; i++) {
		pipe(q[i]);
		struct epoll_event v = { EPOLLIN, { .u32 = i } };
		epoll_ctl(e, EPOLL_CTL_ADD, q[i][0], &v);
		write(q[i][1], "x", 1);
	}
	struct epoll_event v[2];
	char text[64] = "";
	for (int i = 0; i < 5; i++) {
		epoll_wait(e, v, 2, 0);
		sprintf(text + strlen(text), " %d %d", v[0].data.u32, v[1].data.u32);
	}
	FACT("five ready, two at a time:%s", text);
	struct epoll_event x = { EPOLLIN | EPOLLEXCLUSIVE };
	CALL("EPOLLEXCLUSIVE", epoll_ctl(e, EPOLL_CTL_ADD, p[0], &x));
	CALL("cannot be modified", epoll_ctl(e, EPOLL_CTL_MOD, p[0], &x));
	CALL("nor combined with one-shot", ({ x.events |= EPOLLONESHOT; epoll_ctl(e, EPOLL_CTL_ADD, p[1], &x); }));
	x.events = EPOLLIN;
	epoll_ctl(e, EPOLL_CTL_DEL, p[0], NULL);
	CALL("added while ready", ({ write(p[1], "z", 1); epoll_ctl(e, EPOLL_CTL_ADD, p[0], &x); }));
	CALL("six now", epoll_wait(e, (struct epoll_event[8]){ 0 }, 8, 0));
	x.events = 0;
	epoll_ctl(e, EPOLL_CTL_MOD, p[0], &x);
	CALL("no events asked", epoll_wait(e, (struct epoll_event[8]){ 0 }, 8, 0));
	close(p[1]);
	CALL("hang-up comes unasked", epoll_wait(e, (struct epoll_event[8]){ 0 }, 8, 0));
}
