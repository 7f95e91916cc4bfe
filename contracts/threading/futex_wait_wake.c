// futex(2): FUTEX_WAIT compares, waits, times out; FUTEX_WAKE counts.
#include "contract.h"

static _Atomic int word;
static _Atomic int woken;
static _Atomic pid_t tids[3];
static void *sleeper(void *arg)
{
	tids[(long)arg] = thread_id();
	if (syscall(SYS_futex, &word, 128, 0, NULL, NULL, 0) == 0)
		woken++;
	return NULL;
}

int main(void)
{
	CALL("another value", syscall(SYS_futex, &word, 128, 1, NULL, NULL, 0));
	struct timespec t = { 0, 20000000 }, bad = { 0, 1000000000 };
	long long s = now_ms();
	CALL("timeout", syscall(SYS_futex, &word, 128, 0, &t, NULL, 0));
	WITHIN("took", now_ms() - s, 20, PATIENCE * 1000);
	CALL("out of range", syscall(SYS_futex, &word, 128, 0, &bad, NULL, 0));
	CALL("odd address", syscall(SYS_futex, (char *)&word + 1, 128, 0, NULL, NULL, 0));
	CALL("bad address", syscall(SYS_futex, (void *)4096, 128, 0, NULL, NULL, 0));
	CALL("bad operation", syscall(SYS_futex, &word, 99, 0, NULL, NULL, 0));
	CALL("wake nobody", syscall(SYS_futex, &word, 129, 1, NULL, NULL, 0));
	pthread_t th[3];
	for (long i = 0; i < 3; i++) {
		th[i] = THREAD(sleeper, (void *)i);
		EVENTUALLY(tids[i] != 0);
		asleep(tids[i]);
	}
	CALL("wake one", syscall(SYS_futex, &word, 129, 1, NULL, NULL, 0));
	EVENTUALLY(woken == 1);
	pause_ms(5); // nobody else wakes
	FACT("woken %d", woken);
	CALL("wake the rest", syscall(SYS_futex, &word, 129, 100, NULL, NULL, 0));
	for (int i = 0; i < 3; i++)
		JOIN(th[i]);
	FACT("woken %d", woken);
	CALL("bitset 0", syscall(SYS_futex, &word, 9 | 128, 0, NULL, NULL, 0));
	struct timespec past = { 1, 0 };
	CALL("absolute deadline in the past", syscall(SYS_futex, &word, 9 | 128, 0, &past, NULL, -1));
}
