// time(7): sleeps and timeouts never end early, and soon after their time: nanosleep, poll, select, epoll, futex, semaphores.
#include "contract.h"

static int p[2], e;
static _Atomic int word;
static void sleep_by(int how, long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	struct epoll_event v;
	switch (how) {
	case 0: nanosleep(&t, NULL); break;
	case 1: poll(NULL, 0, ms); break;
	case 2: select(0, NULL, NULL, NULL, &(struct timeval){ ms / 1000, ms % 1000 * 1000 }); break;
	case 3: epoll_wait(e, &v, 1, ms); break;
	case 4: syscall(SYS_futex, &word, 0, 0, &t, NULL, 0); break;
	case 5: ppoll(&(struct pollfd){ p[0], POLLIN, 0 }, 1, &t, NULL); break;
	case 6: {
		struct itimerval i = { { 0, 0 }, { t.tv_sec, t.tv_nsec / 1000 } };
		sigset_t none, alarm = set_of(SIGALRM);
		sigemptyset(&none);
		setitimer(ITIMER_REAL, &i, NULL);
		while (sigtimedwait(&alarm, NULL, &(struct timespec){ 5, 0 }) == -1 && errno == EINTR)
			;
		break;
	}
	case 7: {
		int fd = timerfd_create(CLOCK_MONOTONIC, 0);
		struct itimerspec s = { { 0, 0 }, t };
		uint64_t n;
		timerfd_settime(fd, 0, &s, NULL);
		read(fd, &n, 8);
		close(fd);
		break;
	}
	case 8: {
		sigset_t s = set_of(SIGUSR1);
		sigtimedwait(&s, NULL, &t);
		break;
	}
	}
}

int main(void)
{
	const char *names[] = { "nanosleep", "poll", "select", "epoll_wait", "futex", "ppoll", "setitimer", "timerfd", "sigtimedwait" };
	pipe(p);
	e = epoll_create1(0);
	block(SIGALRM);
	block(SIGUSR1);
	for (int how = 0; how < COUNT_OF(names); how++) {
		int early = 0;
		long long best = 1 << 30;
		for (int i = 0; i < 4 || (best > 6000000 && i < 40); i++) {
			long ms = 3 + i % 4 * 4;
			long long start = now_ns();
			sleep_by(how, ms);
			long long over = now_ns() - start - ms * 1000000;
			early += over < 0;
			if (over < best)
				best = over;
		}
		FACT("%s: early %d", names[how], early);
		WITHIN("the best is late by microseconds", best / 1000, 0, 6000);
	}
}
