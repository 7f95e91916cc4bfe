// futex(2): FUTEX_WAIT_BITSET with absolute times and masks, FUTEX_LOCK_PI, FUTEX_WAITV, errors.
#include "contract.h"

enum { WAIT = 0, WAKE = 1, LOCK_PI = 6, UNLOCK_PI = 7, TRYLOCK_PI = 8, WAIT_BITSET = 9, WAKE_BITSET = 10, PRIVATE = 128, REALTIME = 256 };
static long futex(void *word, int op, unsigned value, const void *time, void *word2, unsigned value3)
{
	return syscall(SYS_futex, word, op, value, time, word2, value3);
}
static _Atomic unsigned word, pi;
static _Atomic pid_t tid;
static _Atomic bool held;
static void *sleeper(void *mask)
{
	tid = thread_id();
	return (void *)futex(&word, WAIT_BITSET | PRIVATE, 0, NULL, NULL, (long)mask);
}
static void *locker(void *arg)
{
	tid = thread_id();
	long r = futex(&pi, LOCK_PI | PRIVATE, 0, NULL, NULL, 0);
	held = (pi & 0x3fffffff) == (unsigned)tid;
	if (arg == NULL)
		futex(&pi, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0);
	return (void *)r;
}
static pthread_t start(void *(*run)(void *), void *arg)
{
	tid = 0;
	pthread_t t = THREAD(run, arg);
	EVENTUALLY(tid != 0);
	asleep(tid);
	return t;
}

int main(void)
{
	pthread_t t = start(sleeper, (void *)5);
	CALL("a mask that does not meet", futex(&word, WAKE_BITSET | PRIVATE, 9, NULL, NULL, 2));
	CALL("one that does", futex(&word, WAKE_BITSET | PRIVATE, 9, NULL, NULL, 4));
	FACT("the sleeper's result %ld", (long)JOIN(t));
	CALL("an empty mask", futex(&word, WAIT_BITSET | PRIVATE, 0, NULL, NULL, 0));
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	CALL("an absolute time that has passed", futex(&word, WAIT_BITSET | PRIVATE, 0, &now, NULL, -1));
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += now.tv_nsec > 980000000;
	now.tv_nsec = (now.tv_nsec + 20000000) % 1000000000;
	long long start_ms = now_ms();
	CALL("by the wall clock", futex(&word, WAIT_BITSET | PRIVATE | REALTIME, 0, &now, NULL, -1));
	WITHIN("took", now_ms() - start_ms, 18, PATIENCE * 1000);
	CALL("another value", futex(&word, WAIT_BITSET | PRIVATE, 1, NULL, NULL, -1));
	CALL("not aligned", futex((char *)&word + 1, WAKE | PRIVATE, 1, NULL, NULL, 0));
	CALL("bad pointer", futex(NULL, WAIT | PRIVATE, 0, NULL, NULL, 0));
	CALL("an unknown operation", futex(&word, 77, 0, NULL, NULL, 0));
	CALL("a bad time", futex(&word, WAIT | PRIVATE, 0, &(struct timespec){ 0, -1 }, NULL, 0));
	CALL("LOCK_PI", futex(&pi, LOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	IS("the word has our id", pi == (unsigned)thread_id());
	CALL("again", futex(&pi, LOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	CALL("TRYLOCK_PI", futex(&pi, TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	t = start(locker, NULL);
	IS("waiters are marked", (pi & 0x80000000) != 0);
	CALL("UNLOCK_PI hands over", futex(&pi, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	FACT("the waiter's result %ld", (long)JOIN(t));
	IS("the word had the waiter's id", held);
	FACT("free %u", pi);
	CALL("UNLOCK_PI of no owner", futex(&pi, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	JOIN(THREAD(locker, (void *)1));
	CALL("the owner has ended", futex(&pi, LOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	struct { uint64_t value, address; uint32_t flags, zero; } v[2] = { { 0, (long)&word, 2 | 128 }, { 1, (long)&word, 2 | 128 } };
	CALL("futex_waitv: a value differs", syscall(449, v, 2, 0, NULL, 0));
	CALL("none given", syscall(449, v, 0, 0, NULL, 0));
	v[1].value = 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	CALL("time has passed", syscall(449, v, 2, 0, &now, CLOCK_MONOTONIC));
	v[0].flags = 1;
	CALL("a size that is none", syscall(449, v, 2, 0, NULL, 0));
}
