// timer_create(2), timer_settime(2): signal and value, overrun, SIGEV_NONE, absolute time, errors.
#include "contract.h"

static volatile int value, code, most;
static void keep(int sig, siginfo_t *i, void *c)
{
	value = i->si_value.sival_int;
	code = i->si_code;
	if (i->si_overrun > most)
		most = i->si_overrun;
	got[sig]++;
}

int main(void)
{
	struct sigaction a = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO };
	sigaction(SIGRTMIN, &a, NULL);
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77 };
	timer_t id;
	CALL("create", timer_create(CLOCK_MONOTONIC, &e, &id));
	struct itimerspec t = { .it_value = { 0, 10000000 } }, cur;
	CALL("set", timer_settime(id, 0, &t, NULL));
	EVENTUALLY(got[SIGRTMIN] == 1);
	FACT("value %d code %d", value, code);
	block(SIGRTMIN);
	t.it_interval.tv_nsec = 2000000;
	timer_settime(id, 0, &t, NULL);
	pause_ms(60);
	unblock(SIGRTMIN);
	IS("overruns counted", most >= 5);
	CALL("disarm", timer_settime(id, 0, &(struct itimerspec){ 0 }, &cur));
	FACT("interval was %ld", (long)cur.it_interval.tv_nsec);
	timer_gettime(id, &cur);
	FACT("disarmed: %ld", (long)cur.it_value.tv_nsec);
	t.it_value.tv_nsec = 1000000000;
	CALL("out of range", timer_settime(id, 0, &t, NULL));
	CALL("delete", timer_delete(id));
	CALL("gone", timer_settime(id, 0, &(struct itimerspec){ 0 }, NULL));
	CALL("unknown clock", timer_create(99, &e, &id));
	e.sigev_signo = 99;
	CALL("bad signal", timer_create(CLOCK_MONOTONIC, &e, &id));
	e = (struct sigevent){ .sigev_notify = SIGEV_NONE };
	CALL("SIGEV_NONE", timer_create(CLOCK_REALTIME, &e, &id));
	t = (struct itimerspec){ .it_value = { 100, 0 } };
	timer_settime(id, 0, &t, NULL);
	timer_gettime(id, &cur);
	WITHIN("left", cur.it_value.tv_sec, 90, 100);
	pid_t pid;
	CHILD(pid) { CALL("not inherited", timer_gettime(id, &cur)); }
	REAP(pid);
}
