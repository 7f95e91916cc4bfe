// Costs of the kernel's most common operations, each measured by itself.
//
//	micro NAME [ROUNDS]
//
// prints one line: the name and nanoseconds per operation, the least of several rounds.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <sched.h>

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static const char *self;

// null: a system call that does nothing.
static void null(int n)
{
	while (n--)
		syscall(SYS_getppid);
}

// clock: reading the time as a program does, by the vDSO where there is one.
static void clock_(int n)
{
	struct timespec t;
	while (n--)
		clock_gettime(CLOCK_MONOTONIC, &t);
}

// clockcall: reading the time by a system call.
static void clockcall(int n)
{
	struct timespec t;
	while (n--)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
}

// write: one byte to /dev/null.
static void write_(int n)
{
	static int fd = -1;
	if (fd < 0)
		fd = open("/dev/null", O_WRONLY);
	while (n--)
		write(fd, "x", 1);
}

// fault: the first touch of a page of anonymous memory, of 4 MiB at a time.
static void fault(int n)
{
	enum { size = 4 << 20 };
	for (int done = 0; done < n; done += size / 4096) {
		char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		madvise(p, size, MADV_NOHUGEPAGE);
		for (int i = 0; i < size; i += 4096)
			p[i] = 1;
		munmap(p, size);
	}
}

// map: mmap and munmap of a page that is never touched.
static void map(int n)
{
	while (n--)
		munmap(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
}

// pipe: a byte there and back between two processes: two switches.
static void pipe_(int n)
{
	int there[2], back[2];
	char c = 0;
	pipe(there);
	pipe(back);
	if (fork() == 0) {
		while (n-- && read(there[0], &c, 1) == 1)
			write(back[1], &c, 1);
		_exit(0);
	}
	while (n--) {
		write(there[1], &c, 1);
		read(back[0], &c, 1);
	}
	wait(0);
	close(there[0]), close(there[1]), close(back[0]), close(back[1]);
}

// futex: two threads that wake each other.
static int turn;
static void *partner(void *arg)
{
	for (int n = *(int *)arg; n--;) {
		while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == 0)
			syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, 0, 0);
		__atomic_store_n(&turn, 0, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1);
	}
	return 0;
}
static void futex(int n)
{
	pthread_t t;
	pthread_create(&t, 0, partner, &n);
	for (int i = n; i--;) {
		__atomic_store_n(&turn, 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1);
		while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == 1)
			syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, 1, 0);
	}
	pthread_join(t, 0);
}

// yield: sched_yield with nobody to yield to.
static void yield(int n)
{
	while (n--)
		sched_yield();
}

// fork: fork, exit, wait.
static void fork_(int n)
{
	while (n--) {
		if (fork() == 0)
			_exit(0);
		wait(0);
	}
}

// exec: fork, exec of this static program, exit, wait.
static void exec(int n)
{
	while (n--) {
		if (fork() == 0) {
			execl(self, self, "nothing", (char *)0);
			_exit(1);
		}
		wait(0);
	}
}

static void *nothing(void *p) { return p; }

// thread: create and join a thread.
static void thread(int n)
{
	while (n--) {
		pthread_t t;
		pthread_create(&t, 0, nothing, 0);
		pthread_join(t, 0);
	}
}

static const struct { const char *name; void (*run)(int); int n; } all[] = {
	{"null", null, 20000}, {"clock", clock_, 20000}, {"clockcall", clockcall, 20000}, {"write", write_, 10000},
	{"fault", fault, 4096}, {"map", map, 4000}, {"pipe", pipe_, 1000}, {"futex", futex, 1000}, {"yield", yield, 10000},
	{"fork", fork_, 50}, {"exec", exec, 30}, {"thread", thread, 200},
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "all";
	int rounds = argc > 2 ? atoi(argv[2]) : 7, found = 0;
	if (!strcmp(name, "nothing"))
		return 0;
	self = "/proc/self/exe";
	if (access(self, X_OK))
		self = argv[0];
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
		if (strcmp(name, "all") && strcmp(name, all[i].name))
			continue;
		found = 1;
		int64_t best = INT64_MAX;
		for (int r = 0; r < rounds; r++) {
			int64_t t = now();
			all[i].run(all[i].n);
			t = now() - t;
			if (t < best)
				best = t;
		}
		printf("%s %lld\n", all[i].name, (long long)(best / all[i].n));
		fflush(stdout);
	}
	return !found;
}
