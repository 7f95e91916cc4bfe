// System calls that a process makes by itself: what a call costs, with little to do behind it.
#include "bench.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

BENCH(getpid, NS, "a system call that does nothing")
{
	REPEAT(r) syscall(SYS_getpid);
}

BENCH(gettid, NS, "a system call that does nothing, of the thread's")
{
	REPEAT(r) syscall(SYS_gettid);
}

BENCH(clock_gettime, NS, "the time as programs read it: by the vDSO, where there is one")
{
	struct timespec t;
	REPEAT(r) clock_gettime(CLOCK_MONOTONIC, &t);
}

static int opened(const char *path, int flags)
{
	int fd = open(path, flags, 0600);
	CHECK(fd);
	return fd;
}

BENCH(read_null, NS, "read of a byte from /dev/null")
{
	int fd = opened("/dev/null", O_RDONLY);
	char c;
	REPEAT(r) read(fd, &c, 1);
}

BENCH(write_null, NS, "write of a byte to /dev/null")
{
	int fd = opened("/dev/null", O_WRONLY);
	REPEAT(r) write(fd, "x", 1);
}

BENCH(read_zero, NS, "read of 4 KiB from /dev/zero")
{
	static char buf[4096];
	int fd = opened("/dev/zero", O_RDONLY);
	REPEAT(r) read(fd, buf, sizeof buf);
}

BENCH(pread, NS, "pread of 4 KiB of a file in memory")
{
	static char buf[4096];
	int fd = opened("file", O_RDWR | O_CREAT);
	CHECK(write(fd, buf, sizeof buf));
	REPEAT(r) CHECK(pread(fd, buf, sizeof buf, 0));
}

BENCH(writev, NS, "writev of four parts of 256 bytes, over the beginning of a file")
{
	static char buf[256];
	struct iovec v[4] = {{buf, 256}, {buf, 256}, {buf, 256}, {buf, 256}};
	int fd = opened("file", O_RDWR | O_CREAT);
	REPEAT(r) {
		CHECK(writev(fd, v, 4));
		lseek(fd, 0, SEEK_SET);
	}
}

BENCH(lseek, NS, "lseek to the beginning of a file")
{
	int fd = opened("file", O_RDWR | O_CREAT);
	REPEAT(r) CHECK(lseek(fd, 0, SEEK_SET));
}

BENCH(fcntl_getfl, NS, "fcntl F_GETFL")
{
	int fd = opened("/dev/null", O_RDONLY);
	REPEAT(r) CHECK(fcntl(fd, F_GETFL));
}

BENCH(dup_close, NS, "dup and close")
{
	REPEAT(r) CHECK(close(dup(1)));
}

BENCH(open_close, NS, "open and close of a file")
{
	close(opened("file", O_RDWR | O_CREAT));
	REPEAT(r) CHECK(close(open("/tmp/bench/file", O_RDONLY)));
}

BENCH(stat, NS, "stat of a file")
{
	struct stat st;
	close(opened("file", O_RDWR | O_CREAT));
	REPEAT(r) CHECK(stat("/tmp/bench/file", &st));
}

BENCH(fstat, NS, "fstat of a file")
{
	struct stat st;
	int fd = opened("file", O_RDWR | O_CREAT);
	REPEAT(r) CHECK(fstat(fd, &st));
}

BENCH(statx, NS, "statx of a file")
{
	char st[256]; // struct statx
	close(opened("file", O_RDWR | O_CREAT));
	REPEAT(r) CHECK(syscall(SYS_statx, AT_FDCWD, "/tmp/bench/file", 0, 0x7ff, st));
}

BENCH(access, NS, "access of a file")
{
	close(opened("file", O_RDWR | O_CREAT));
	REPEAT(r) CHECK(access("/tmp/bench/file", R_OK));
}

BENCH(readlink, NS, "readlink")
{
	char buf[64];
	CHECK(symlink("target", "link"));
	REPEAT(r) CHECK(readlink("/tmp/bench/link", buf, sizeof buf));
}

BENCH(getcwd, NS, "getcwd")
{
	char buf[256];
	REPEAT(r) CHECK(syscall(SYS_getcwd, buf, sizeof buf));
}

BENCH(uname, NS, "uname")
{
	struct utsname u;
	REPEAT(r) uname(&u);
}

BENCH(getpriority, NS, "getpriority of this process")
{
	REPEAT(r) getpriority(PRIO_PROCESS, 0);
}

BENCH(sched_yield, NS, "sched_yield, with nobody to yield to")
{
	REPEAT(r) sched_yield();
}

static void nothing(int sig) {}

BENCH(sigaction, NS, "setting a signal's handler")
{
	struct sigaction a = {.sa_handler = nothing};
	REPEAT(r) CHECK(sigaction(SIGUSR1, &a, 0));
}

BENCH(sigprocmask, NS, "blocking a signal")
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	REPEAT(r) CHECK(sigprocmask(SIG_BLOCK, &set, 0));
}

BENCH(signal_delivery, NS, "a signal to oneself: sent, handled, returned from")
{
	struct sigaction a = {.sa_handler = nothing};
	pid_t self = getpid();
	CHECK(sigaction(SIGUSR1, &a, 0));
	REPEAT(r) CHECK(kill(self, SIGUSR1));
}

BENCH(getrlimit, NS, "getrlimit")
{
	struct rlimit l;
	REPEAT(r) CHECK(getrlimit(RLIMIT_NOFILE, &l));
}

BENCH(prlimit64, NS, "prlimit64 that sets what is set")
{
	struct rlimit l;
	CHECK(getrlimit(RLIMIT_NOFILE, &l));
	REPEAT(r) CHECK(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &l, 0));
}

BENCH(setsockopt, NS, "setsockopt SO_REUSEADDR")
{
	int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(s);
	REPEAT(r) CHECK(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
}

BENCH(flock, NS, "flock, taken and let go")
{
	int fd = opened("file", O_RDWR | O_CREAT);
	REPEAT(r) {
		CHECK(flock(fd, LOCK_EX));
		CHECK(flock(fd, LOCK_UN));
	}
}

BENCH(fcntl_lock, NS, "a lock of a file's first byte, taken and let go")
{
	struct flock lock = {.l_type = F_WRLCK, .l_len = 1}, unlock = {.l_type = F_UNLCK, .l_len = 1};
	int fd = opened("file", O_RDWR | O_CREAT);
	REPEAT(r) {
		CHECK(fcntl(fd, F_SETLK, &lock));
		CHECK(fcntl(fd, F_SETLK, &unlock));
	}
}

BENCH(file_create_delete, NS, "a file created, closed and removed")
{
	REPEAT(r) {
		close(opened("file", O_WRONLY | O_CREAT | O_EXCL));
		CHECK(unlink("file"));
	}
}

CURVE(directory_entries, NS, "stat of a file in a directory of so many", 10, 1000, 100000)
{
	char name[32];
	struct stat st;
	for (long i = 0; i < r->arg; i++) {
		snprintf(name, sizeof name, "f%ld", i);
		close(opened(name, O_WRONLY | O_CREAT));
	}
	unsigned long i = 0;
	REPEAT(r) {
		snprintf(name, sizeof name, "f%ld", (i += 7919) % r->arg);
		CHECK(stat(name, &st));
	}
}

static void many_descriptors(void)
{
	struct rlimit l = {20000, 20000};
	CHECK(setrlimit(RLIMIT_NOFILE, &l));
}

BENCH(eventfd, NS, "write to an eventfd and read of it")
{
	uint64_t v = 1;
	int fd = eventfd(0, 0);
	CHECK(fd);
	REPEAT(r) {
		CHECK(write(fd, &v, 8));
		CHECK(read(fd, &v, 8));
	}
}

static void epoll(struct run *r, long descriptors)
{
	uint64_t v = 1;
	struct epoll_event e = {.events = EPOLLIN};
	int ep = epoll_create1(0);
	CHECK(ep);
	for (long i = 0; i < descriptors; i++) {
		int fd = eventfd(0, 0);
		CHECK(fd);
		CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
		if (i == descriptors / 2)
			CHECK(write(fd, &v, 8));
	}
	REPEAT(r)
		if (epoll_wait(ep, &e, 1, -1) != 1)
			fail("epoll_wait");
}

BENCH(epoll_wait, NS, "epoll_wait that finds one descriptor ready")
{
	epoll(r, 1);
}

CURVE(epoll_descriptors, NS, "epoll_wait with so many descriptors, one of them ready", 10, 100, 1000, 10000)
{
	many_descriptors();
	epoll(r, r->arg);
}

static void call(int i, long n)
{
	while (n-- > 0)
		syscall(SYS_getppid);
}

CPUS(parallel_calls, NS, "system calls on so many CPUs at once: the time of one")
{
	on_cpus(r, call);
}

static void open_one(int i, long n)
{
	char name[] = "/tmp/bench/0";
	name[11] += i;
	while (n-- > 0)
		CHECK(close(open(name, O_RDONLY)));
}

CPUS(parallel_opens, NS, "open and close of a file for each CPU, on so many at once")
{
	char name[] = "0";
	for (int i = 0; i < r->arg; i++, name[0]++)
		close(opened(name, O_RDWR | O_CREAT));
	on_cpus(r, open_one);
}
