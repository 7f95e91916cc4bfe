// setitimer(2), alarm(2): one shot and periodic, reading back, replacement, errors.
#include "contract.h"

int main(void)
{
	note_signal(SIGALRM, SA_RESTART);
	struct itimerval t = { .it_value = { 100, 0 } }, old;
	CALL("one shot", setitimer(ITIMER_REAL, &t, NULL));
	CALL("read", getitimer(ITIMER_REAL, &old));
	WITHIN("left s", old.it_value.tv_sec, 90, 99);
	t.it_value = (struct timeval){ 0, 20000 };
	CALL("a shorter one", setitimer(ITIMER_REAL, &t, NULL));
	EVENTUALLY(got[SIGALRM] == 1);
	getitimer(ITIMER_REAL, &old);
	FACT("expired: %ld %ld", (long)old.it_value.tv_sec, (long)old.it_value.tv_usec);
	t = (struct itimerval){ { 0, 10000 }, { 0, 20000 } };
	long long s = now_ms();
	setitimer(ITIMER_REAL, &t, NULL);
	EVENTUALLY(got[SIGALRM] >= 6);
	WITHIN("five periods", now_ms() - s, 58, PATIENCE * 1000);
	t = (struct itimerval){ .it_value = { 100, 0 } };
	CALL("replace", setitimer(ITIMER_REAL, &t, &old));
	FACT("old interval %ld", (long)old.it_interval.tv_usec);
	WITHIN("alarm tells what was left of it", alarm(0), 90, 100);
	t.it_value.tv_usec = 1000000;
	CALL("microseconds out of range", setitimer(ITIMER_REAL, &t, NULL));
	CALL("bad timer", setitimer(9, &t, NULL));
	CALL("bad address", syscall(SYS_setitimer, ITIMER_REAL, BAD_POINTER, NULL));
	CALL("alarm", alarm(50));
	WITHIN("alarm again", alarm(100), 40, 50);
	getitimer(ITIMER_REAL, &old);
	WITHIN("alarm and itimer are one", old.it_value.tv_sec, 90, 100);
}
