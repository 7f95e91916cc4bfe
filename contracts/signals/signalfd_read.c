// signalfd(2): reads pending signals as records; mask changes; flags; poll.
#include "contract.h"

int main(void)
{
	sigset_t s = set_of(SIGUSR1);
	sigaddset(&s, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &s, NULL);
	CALL("bad flags", signalfd(-1, &s, 1));
	CALL("not a signalfd", signalfd(1, &s, 0));
	CALL("bad descriptor", signalfd(99, &s, 0));
	int fd = signalfd(-1, &s, SFD_NONBLOCK | SFD_CLOEXEC);
	CALL("close-on-exec", fcntl(fd, F_GETFD));
	struct signalfd_siginfo i[4];
	FACT("record of %zu bytes", sizeof i[0]);
	CALL("nothing", read(fd, i, sizeof i));
	struct pollfd p = { fd, POLLIN, 0 };
	CALL("poll", poll(&p, 1, 0));
	kill(getpid(), SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 5 });
	sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 6 });
	CALL("poll", poll(&p, 1, 0));
	CALL("buffer too small", read(fd, i, 100));
	CALL("one and a half", read(fd, i, sizeof i[0] * 3 / 2));
	FACT("%s code %d own pid %d", signal_name(i[0].ssi_signo), i[0].ssi_code, i[0].ssi_pid == getpid());
	CALL("the rest", read(fd, i, sizeof i));
	FACT("values %d %d code %d", i[0].ssi_int, i[1].ssi_int, i[0].ssi_code);
	s = set_of(SIGUSR2);
	sigprocmask(SIG_BLOCK, &s, NULL);
	IS("change the mask", signalfd(fd, &s, 0) == fd);
	kill(getpid(), SIGUSR1);
	CALL("the old signal", read(fd, i, sizeof i));
	kill(getpid(), SIGUSR2);
	CALL("the new signal", read(fd, i, sizeof i));
	CALL("write", write(fd, "x", 1));
}
