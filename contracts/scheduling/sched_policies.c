// sched_setscheduler(2), sched_getparam(2), sched_get_priority_max(2), sched_setaffinity(2).
// run: root,user
#include "contract.h"

static long setscheduler(int policy, int priority)
{
	struct sched_param p = { priority };
	return syscall(SYS_sched_setscheduler, 0, policy, &p);
}

int main(void)
{
	struct sched_param p = { 0 };
	CALL("policy", syscall(SYS_sched_getscheduler, 0));
	CALL("SCHED_OTHER with priority 1", setscheduler(SCHED_OTHER, 1));
	CALL("SCHED_BATCH", setscheduler(SCHED_BATCH, 0));
	CALL("policy", syscall(SYS_sched_getscheduler, 0));
	CALL("SCHED_FIFO with priority 0", setscheduler(SCHED_FIFO, 0));
	CALL("SCHED_FIFO with priority 100", setscheduler(SCHED_FIFO, 100));
	CALL("unknown policy", setscheduler(77, 0));
	CALL("SCHED_RR 5", setscheduler(SCHED_RR, 5));
	CALL("getparam", syscall(SYS_sched_getparam, 0, &p));
	FACT("priority %d", p.sched_priority);
	setscheduler(SCHED_OTHER, 0);
	CALL("nobody", syscall(SYS_sched_getscheduler, 0x3ffffff));
	CALL("negative", syscall(SYS_sched_getscheduler, -1));
	FACT("FIFO %d..%d OTHER %d..%d", sched_get_priority_min(SCHED_FIFO), sched_get_priority_max(SCHED_FIFO),
		sched_get_priority_min(SCHED_OTHER), sched_get_priority_max(SCHED_OTHER));
	CALL("max of an unknown policy", sched_get_priority_max(77));
	CALL("yield", sched_yield());
	unsigned long m[16] = { 0 };
	CALL("affinity, buffer of 4", syscall(SYS_sched_getaffinity, 0, 4, m));
	IS("affinity", syscall(SYS_sched_getaffinity, 0, sizeof m, m) > 0 && m[0] & 1);
	m[0] = 0;
	CALL("no processor", syscall(SYS_sched_setaffinity, 0, sizeof m, m));
	m[0] = 1;
	CALL("the first", syscall(SYS_sched_setaffinity, 0, sizeof m, m));
	unsigned cpu = 9;
	CALL("getcpu", syscall(SYS_getcpu, &cpu, NULL, NULL));
	FACT("on %u", cpu);
}
