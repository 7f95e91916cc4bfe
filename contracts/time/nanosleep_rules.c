// nanosleep(2), clock_nanosleep(2): durations, errors, the remaining time, absolute deadlines.
#include "contract.h"

int main(void)
{
	struct timespec t = { 0, 20000000 }, left = { 7, 7 }, bad = { 0, 1000000000 }, neg = { -1, 0 };
	long long s = now_ms();
	CALL("20 ms", nanosleep(&t, &left));
	WITHIN("took", now_ms() - s, 20, PATIENCE * 1000);
	FACT("remaining not written: %ld", (long)left.tv_sec);
	CALL("nanoseconds out of range", nanosleep(&bad, NULL));
	CALL("negative", nanosleep(&neg, NULL));
	CALL("bad address", syscall(SYS_nanosleep, BAD_POINTER, NULL));
	ERR("unknown clock", clock_nanosleep(99, 0, &t, NULL));
	ERR("thread clock", clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL));
	struct timespec past = { 0, 1 }; // a machine may have been up for less than a second
	s = now_ms();
	ERR("a deadline in the past", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL));
	WITHIN("took", now_ms() - s, 0, PATIENCE * 1000);
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 30000000;
	if (t.tv_nsec >= 1000000000)
		t.tv_sec++, t.tv_nsec -= 1000000000;
	s = now_ms();
	ERR("a deadline in 30 ms", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	WITHIN("took", now_ms() - s, 28, PATIENCE * 1000);
	note_signal(SIGALRM, 0);
	alarms_every_ms(20);
	t = (struct timespec){ 100, 0 };
	CALL("interrupted", nanosleep(&t, &left));
	WITHIN("remaining ms", left.tv_sec * 1000 + left.tv_nsec / 1000000, 90000, 99999);
	left = (struct timespec){ 7, 7 };
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += 100;
	ERR("absolute, interrupted", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, &left));
	FACT("remaining not written: %ld", (long)left.tv_sec);
}
