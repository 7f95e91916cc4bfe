// The kernel writes as many bytes of its structures as the architecture's ABI has: by raw calls into a marked buffer.
#include "contract.h"
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>

static unsigned char a[1024], b[1024];
static void size_of(const char *name, int n)
{
	FACT("%s: %d bytes", name, n);
}
// WRITTEN makes a call twice, on buffers marked differently, and prints up to where both agree.
#define WRITTEN(name, call)                                       \
	do {                                                      \
		unsigned char *buffer = a;                        \
		memset(a, 0x5a, sizeof a);                        \
		memset(b, 0xa5, sizeof b);                        \
		long r1 = (call);                                 \
		buffer = b;                                       \
		long r2 = (call);                                 \
		int n = sizeof a;                                 \
		while (n > 0 && a[n - 1] == 0x5a && b[n - 1] == 0xa5) \
			n--;                                      \
		size_of(name, r1 == -1 || r2 == -1 ? -errno : n); \
	} while (0)

int main(void)
{
	int pty = open("/dev/ptmx", O_RDWR | O_NOCTTY), f = open("f", O_RDWR | O_CREAT, 0644);
	timer_t t;
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	syscall(SYS_timer_create, CLOCK_MONOTONIC, &none, &t);
	int tfd = timerfd_create(CLOCK_MONOTONIC, 0), ep = epoll_create1(0), ev = eventfd(1, 0);
	struct epoll_event e = { EPOLLIN, { .u64 = 0x1122334455667788 } };
	epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e);
	WRITTEN("uname", syscall(SYS_uname, buffer));
	WRITTEN("sysinfo", syscall(SYS_sysinfo, buffer));
	WRITTEN("getrusage", syscall(SYS_getrusage, 0, buffer));
	WRITTEN("times", syscall(SYS_times, buffer));
	WRITTEN("clock_gettime", syscall(SYS_clock_gettime, CLOCK_MONOTONIC, buffer));
	WRITTEN("gettimeofday", syscall(SYS_gettimeofday, buffer, 0));
	WRITTEN("getitimer", syscall(SYS_getitimer, 0, buffer));
	WRITTEN("timer_gettime", syscall(SYS_timer_gettime, t, buffer));
	WRITTEN("timerfd_gettime", syscall(SYS_timerfd_gettime, tfd, buffer));
	WRITTEN("prlimit64", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, buffer));
	WRITTEN("rt_sigaction", syscall(SYS_rt_sigaction, SIGUSR1, 0, buffer, 8));
	WRITTEN("rt_sigprocmask", syscall(SYS_rt_sigprocmask, 0, 0, buffer, 8));
	WRITTEN("sigaltstack", syscall(SYS_sigaltstack, 0, buffer));
	WRITTEN("sched_getparam", syscall(SYS_sched_getparam, 0, buffer));
	WRITTEN("sched_getattr", syscall(SYS_sched_getattr, 0, buffer, 56, 0));
	WRITTEN("sched_rr_get_interval", syscall(SYS_sched_rr_get_interval, 0, buffer));
	WRITTEN("statfs", syscall(SYS_statfs, "/", buffer));
	WRITTEN("TCGETS", syscall(SYS_ioctl, pty, TCGETS, buffer));
	WRITTEN("TIOCGWINSZ", syscall(SYS_ioctl, pty, TIOCGWINSZ, buffer));
	WRITTEN("F_GETLK", (*(short *)buffer = F_WRLCK, memset(buffer + 2, 0, 30), syscall(SYS_fcntl, f, F_GETLK, buffer)));
	WRITTEN("epoll_pwait", syscall(SYS_epoll_pwait, ep, buffer, 4, 0, 0, 8));
	WRITTEN("getcpu", syscall(SYS_getcpu, buffer, buffer + 4, 0));
	WRITTEN("adjtimex", (memset(buffer, 0, 4), syscall(SYS_adjtimex, buffer)));
	WRITTEN("capget", syscall(SYS_capget, &(int[2]){ 0x20080522, 0 }, buffer));
	WRITTEN("pipe2", syscall(SYS_pipe2, buffer, 0));
	WRITTEN("shmctl IPC_STAT", syscall(SYS_shmctl, shmget(IPC_PRIVATE, 1, 0600), IPC_STAT, buffer));
	WRITTEN("semctl IPC_STAT", syscall(SYS_semctl, semget(IPC_PRIVATE, 1, 0600), 0, IPC_STAT, buffer));
	WRITTEN("getsockname", syscall(SYS_getsockname, socket(AF_UNIX, SOCK_STREAM, 0), buffer, &(int){ 110 }));
	FACT("epoll_event: events@0 data@%d", (int)offsetof(struct epoll_event, data));
}
