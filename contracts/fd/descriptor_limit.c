// open(2), getrlimit(2): RLIMIT_NOFILE is a bound on the number, for every call that makes descriptors.
#include "contract.h"

int main(void)
{
	struct rlimit r = { 8, 8 };
	setrlimit(RLIMIT_NOFILE, &r);
	int n = 0;
	while (dup(0) >= 0)
		n++;
	FACT("%d more, then %s", n, errno_name(errno));
	int p[2];
	CALL("open", open("/dev/null", O_RDONLY));
	CALL("open of a missing file", open("missing", O_RDONLY));
	CALL("pipe", pipe(p));
	CALL("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	CALL("epoll_create", epoll_create1(0));
	CALL("eventfd", eventfd(0, 0));
	CALL("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));
	CALL("inotify", inotify_init1(0));
	CALL("F_DUPFD", fcntl(0, F_DUPFD, 0));
	close(7);
	CALL("pipe with room for one", pipe(p));
	CALL("the one", open("/dev/null", O_RDONLY));
	close(5);
	CALL("a hole is filled first", open("/dev/null", O_RDONLY));
}
