// clock_settime(2), settimeofday(2), adjtimex(2): rights, errors, and what a step of the clock does to sleepers.
#include "contract.h"
#include <sys/timex.h>

int main(void)
{
	struct timespec now, t;
	struct timeval tv;
	clock_gettime(CLOCK_REALTIME, &now);
	long long mono = now_ns();
	t = now;
	t.tv_sec += 1000;
	int timer = timerfd_create(CLOCK_REALTIME, 0), watch = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	struct itimerspec abs = { { 0, 0 }, { now.tv_sec + 900, 0 } };
	timerfd_settime(timer, TFD_TIMER_ABSTIME, &abs, NULL);
	timerfd_settime(watch, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &abs, NULL);
	uint64_t n = 0;
	pid_t absolute = LATER(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &abs.it_value, NULL));
	struct timespec rel = { 0, 200000000 };
	pid_t relative = LATER(clock_nanosleep(CLOCK_REALTIME, 0, &rel, NULL));
	CALL("a step forward", clock_settime(CLOCK_REALTIME, &t));
	CAME("a sleeper until an absolute time wakes", absolute);
	CALL("an absolute timer expires", read(timer, &n, 8));
	CALL("one that is cancelled says so", read(watch, &n, 8));
	CAME("a relative sleeper sleeps its time", relative);
	clock_gettime(CLOCK_REALTIME, &t);
	WITHIN("the clock", t.tv_sec - now.tv_sec, 1000, 1010);
	WITHIN("the monotonic one did not jump, milliseconds", (now_ns() - mono) / 1000000, 0, 9000);
	gettimeofday(&tv, NULL);
	WITHIN("gettimeofday agrees", tv.tv_sec - t.tv_sec, 0, 2);
	IS("so does time", time(NULL) - t.tv_sec <= 2);
	t.tv_sec -= 1000;
	CALL("and back", clock_settime(CLOCK_REALTIME, &t));
	clock_gettime(CLOCK_REALTIME, &t);
	WITHIN("the clock", t.tv_sec - now.tv_sec, 0, 10);
	CALL("the monotonic clock cannot be set", clock_settime(CLOCK_MONOTONIC, &t));
	CALL("nanoseconds out of range", clock_settime(CLOCK_REALTIME, &(struct timespec){ 1, 1000000000 }));
	CALL("before the boot", clock_settime(CLOCK_REALTIME, &(struct timespec){ 0, 0 }));
	CALL("negative", clock_settime(CLOCK_REALTIME, &(struct timespec){ -1, 0 }));
	CALL("no such clock", clock_settime(99, &t));
	CALL("bad pointer", syscall(SYS_clock_settime, CLOCK_REALTIME, BAD_POINTER));
	CALL("settimeofday out of range", syscall(SYS_settimeofday, &(struct timeval){ 0, 1000001 }, NULL));
	CALL("settimeofday of nothing", syscall(SYS_settimeofday, NULL, NULL));
	struct timex x = { 0 };
	CALL("adjtimex reads", adjtimex(&x) >= 0);
	IS("tick", x.tick == 10000);
	x.modes = ADJ_TICK;
	x.tick = 1;
	CALL("a tick out of range", adjtimex(&x));
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		CALL("a user: clock_settime", clock_settime(CLOCK_REALTIME, &t));
		CALL("settimeofday", syscall(SYS_settimeofday, &tv, NULL));
		x.modes = ADJ_OFFSET;
		CALL("adjtimex", adjtimex(&x));
		x.modes = 0;
		CALL("reading", adjtimex(&x) >= 0);
	}
	REAP(pid);
}
