// futex_waitv(2): waiting for one of several words: which one woke it, timeouts, values that differ, errors.
#include "contract.h"

struct waiter {
	uint64_t val, addr;
	uint32_t flags, reserved;
};
enum { SIZE32 = 2, PRIVATE = 128 };

static uint32_t *words;

static long waitv(struct waiter *w, unsigned n, unsigned flags, struct timespec *t, int clock)
{
	return syscall(449, w, n, flags, t, clock);
}

static void fill(struct waiter *w, int n, int flags)
{
	for (int i = 0; i < n; i++)
		w[i] = (struct waiter){ words[i], (uintptr_t)&words[i], flags, 0 };
}

// wake wakes as soon as somebody waits for the word, and returns how many that were.
static long wake(int i, int n, int private)
{
	long woken = 0;
	EVENTUALLY((woken = syscall(SYS_futex, &words[i], 1 | private, n, NULL, NULL, 0)) != 0);
	return woken;
}

static void *sleeper(void *arg)
{
	struct waiter w[3];
	fill(w, 3, SIZE32 | PRIVATE);
	return (void *)waitv(w, 3, 0, NULL, 0);
}

int main(void)
{
	words = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct waiter w[130];
	fill(w, 130, SIZE32 | PRIVATE);
	pthread_t t = THREAD(sleeper, NULL);
	FACT("woken by the middle one: %ld woken", wake(1, 9, 128));
	FACT("it returned %ld", (long)JOIN(t));
	t = THREAD(sleeper, NULL);
	FACT("woken by the last one: %ld woken", wake(2, 9, 128));
	FACT("it returned %ld", (long)JOIN(t));
	CALL("nobody waits any more", syscall(SYS_futex, &words[0], 1 | 128, 9, NULL, NULL, 0));

	fill(w, 3, SIZE32);
	pid_t pid = LATER(waitv(w, 3, 0, NULL, 0));
	CALL("a private wake does not reach", syscall(SYS_futex, &words[0], 1 | 128, 9, NULL, NULL, 0));
	FACT("another process: %ld woken", wake(0, 9, 0));
	CAME("it returned", pid);

	words[2] = 7;
	CALL("a value that differs", waitv(w, 3, 0, NULL, 0));
	words[2] = 0;
	struct timespec past = { 0, 1 }, soon;
	CALL("a timeout in the past", waitv(w, 3, 0, &past, CLOCK_MONOTONIC));
	CALL("in the past of the real clock", waitv(w, 3, 0, &past, CLOCK_REALTIME));
	clock_gettime(CLOCK_MONOTONIC, &soon);
	long long start = now_ms();
	soon.tv_nsec += 20000000;
	if (soon.tv_nsec >= 1000000000)
		soon = (struct timespec){ soon.tv_sec + 1, soon.tv_nsec - 1000000000 };
	CALL("a timeout", waitv(w, 3, 0, &soon, CLOCK_MONOTONIC));
	IS("not earlier", now_ms() - start >= 19);
	CALL("another clock", waitv(w, 3, 0, &past, CLOCK_BOOTTIME));
	CALL("a bad time", waitv(w, 3, 0, &(struct timespec){ 0, -1 }, CLOCK_MONOTONIC));

	note_signal(SIGALRM, 0);
	alarms_every_ms(3);
	CALL("interrupted", waitv(w, 3, 0, NULL, 0));
	alarms_every_ms(0);

	CALL("none", waitv(w, 0, 0, NULL, 0));
	fill(w, 128, SIZE32);
	CALL("128", waitv(w, 128, 0, &past, CLOCK_MONOTONIC));
	CALL("129", waitv(w, 129, 0, &past, CLOCK_MONOTONIC));
	CALL("flags", waitv(w, 1, 1, &past, CLOCK_MONOTONIC));
	CALL("no array", waitv(NULL, 1, 0, &past, CLOCK_MONOTONIC));
	CALL("a bad array", waitv(BAD_POINTER, 1, 0, &past, CLOCK_MONOTONIC));
	w[0].flags = 0;
	CALL("no size", waitv(w, 1, 0, &past, CLOCK_MONOTONIC));
	w[0].flags = SIZE32 | 0x40;
	CALL("an unknown flag of a word", waitv(w, 1, 0, &past, CLOCK_MONOTONIC));
	fill(w, 1, SIZE32);
	w[0].reserved = 1;
	CALL("reserved", waitv(w, 1, 0, &past, CLOCK_MONOTONIC));
	fill(w, 1, SIZE32);
	w[0].addr += 2;
	CALL("not aligned", waitv(w, 1, 0, &past, CLOCK_MONOTONIC));
	w[0].addr = 8;
	CALL("a bad word", waitv(w, 1, 0, &past, CLOCK_MONOTONIC));
}
