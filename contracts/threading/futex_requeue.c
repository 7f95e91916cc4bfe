// futex(2): FUTEX_CMP_REQUEUE moves waiters, FUTEX_WAKE_OP wakes by a condition.
#include "contract.h"

static _Atomic int a, b, woken;
static _Atomic pid_t tids[3];
static void *sleeper(void *arg)
{
	tids[(long)arg] = thread_id();
	syscall(SYS_futex, &a, 128, 0, NULL, NULL, 0);
	woken++;
	return NULL;
}

int main(void)
{
	pthread_t th[3];
	for (long i = 0; i < 3; i++) {
		th[i] = THREAD(sleeper, (void *)i);
		EVENTUALLY(tids[i] != 0);
		asleep(tids[i]);
	}
	CALL("another value", syscall(SYS_futex, &a, 4 | 128, 1, 2L, &b, 5));
	CALL("wake one, move two", syscall(SYS_futex, &a, 4 | 128, 1, 2L, &b, 0));
	EVENTUALLY(woken == 1);
	CALL("nobody left here", syscall(SYS_futex, &a, 129, 10, NULL, NULL, 0));
	CALL("two there", syscall(SYS_futex, &b, 129, 10, NULL, NULL, 0));
	for (int i = 0; i < 3; i++)
		JOIN(th[i]);
	FACT("woken %d", woken);
	b = 5;
	CALL("wake_op: b += 3, compare > 4", syscall(SYS_futex, &a, 5 | 128, 1, 1L, &b, (1 << 28) | (4 << 24) | (3 << 12) | 4));
	FACT("b %d", b);
}
