// timerfd_create(2): expirations, read sizes, poll, absolute and periodic timers, errors.
#include "contract.h"

int main(void)
{
	CALL("unknown clock", timerfd_create(99, 0));
	CALL("bad flags", timerfd_create(CLOCK_MONOTONIC, 1));
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	CALL("close-on-exec", fcntl(fd, F_GETFD));
	uint64_t n = 0;
	CALL("not armed", read(fd, &n, 8));
	struct itimerspec t = { .it_value = { 100, 0 } }, old;
	CALL("arm", timerfd_settime(fd, 0, &t, NULL));
	CALL("not yet", read(fd, &n, 8));
	t.it_value = (struct timespec){ 0, 20000000 };
	long long s = now_ms();
	CALL("arm for a shorter time", timerfd_settime(fd, 0, &t, NULL));
	struct pollfd p = { fd, POLLIN, 0 };
	CALL("poll", poll(&p, 1, PATIENCE * 1000));
	WITHIN("came after", now_ms() - s, 19, PATIENCE * 1000);
	CALL("short buffer", read(fd, &n, 4));
	CALL("read", read(fd, &n, 8));
	FACT("expirations %llu", (unsigned long long)n);
	CALL("once", read(fd, &n, 8));
	t.it_interval.tv_nsec = t.it_value.tv_nsec = 5000000;
	timerfd_settime(fd, 0, &t, NULL);
	pause_ms(60);
	read(fd, &n, 8);
	IS("periodic", n >= 11);
	CALL("gettime", timerfd_gettime(fd, &old));
	FACT("interval %ld", (long)old.it_interval.tv_nsec);
	CALL("set again clears", timerfd_settime(fd, 0, &(struct itimerspec){ 0 }, NULL));
	CALL("disarmed", read(fd, &n, 8));
	t = (struct itimerspec){ .it_value = { 1, 0 } };
	CALL("absolute, past", timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
	CALL("poll", poll(&p, 1, PATIENCE * 1000));
	t.it_value.tv_nsec = -1;
	CALL("out of range", timerfd_settime(fd, 0, &t, NULL));
	CALL("bad flag", timerfd_settime(fd, 16, &(struct itimerspec){ 0 }, NULL));
	CALL("not a timerfd", timerfd_settime(1, 0, &(struct itimerspec){ 0 }, NULL));
	CALL("write", write(fd, &n, 8));
}
