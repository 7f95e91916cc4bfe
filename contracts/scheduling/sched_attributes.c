// sched_setattr(2), sched_getattr(2), sched_setscheduler(2): sizes, policies, limits, reset on fork, errors; as a user too.
// run: root,user
#include "contract.h"

struct attr { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; uint32_t min, max; };
static long setattr(struct attr *a) { return syscall(SYS_sched_setattr, 0, a, 0); }
static void show(const char *name)
{
	struct attr a = { 0 };
	syscall(SYS_sched_getattr, 0, &a, sizeof a, 0);
	FACT("%s: size %u policy %u flags %lu nice %d priority %u", name, a.size, a.policy, (long)a.flags, a.nice, a.priority);
}
static void attempt(const char *name, struct attr a)
{
	a.size = 48;
	pid_t pid;
	CHILD(pid)
	{
		CALL(name, setattr(&a));
		show(name);
	}
	REAP(pid);
}

int main(void)
{
	struct attr a = { .size = 48 };
	show("at first");
	attempt("nice 5", (struct attr){ .nice = 5 });
	attempt("nice -5", (struct attr){ .nice = -5 });
	attempt("batch", (struct attr){ .policy = 3, .nice = 2 });
	attempt("idle", (struct attr){ .policy = 5 });
	attempt("fifo 1", (struct attr){ .policy = 1, .priority = 1 });
	attempt("round robin 99", (struct attr){ .policy = 2, .priority = 99 });
	attempt("round robin 100", (struct attr){ .policy = 2, .priority = 100 });
	attempt("fifo 0", (struct attr){ .policy = 1 });
	attempt("other with a priority", (struct attr){ .priority = 1 });
	attempt("no such policy", (struct attr){ .policy = 4 });
	attempt("reset on fork", (struct attr){ .flags = 1 });
	attempt("an unknown flag", (struct attr){ .flags = 1 << 20 });
	attempt("deadline without times", (struct attr){ .policy = 6 });
	a.size = 0;
	CALL("size 0 means the first version", setattr(&a));
	a.size = 40;
	CALL("a size too small", setattr(&a));
	FACT("the right one is told: %u", a.size);
	CALL("getattr with a small size", syscall(SYS_sched_getattr, 0, &a, 40, 0));
	CALL("with flags", syscall(SYS_sched_getattr, 0, &a, 56, 1));
	CALL("no such process", syscall(SYS_sched_getattr, 99999, &a, 56, 0));
	int p = 1;
	pid_t pid;
	CHILD(pid)
	{
		CALL("SCHED_FIFO with reset on fork", syscall(SYS_sched_setscheduler, 0, SCHED_FIFO | 0x40000000, &p));
		CALL("policy", syscall(SYS_sched_getscheduler, 0));
		pid_t inner;
		CHILD(inner) { CALL("a child's", syscall(SYS_sched_getscheduler, 0)); }
		REAP(inner);
	}
	REAP(pid);
	struct timespec t = { 9, 9 };
	CALL("interval", syscall(SYS_sched_rr_get_interval, 0, &t));
	CHILD(pid)
	{
		CALL("SCHED_RR", syscall(SYS_sched_setscheduler, 0, SCHED_RR, &p));
		CALL("interval", syscall(SYS_sched_rr_get_interval, 0, &t));
		CHILD(pid) { CALL("inherited", syscall(SYS_sched_getscheduler, 0)); }
		REAP(pid);
		p = 0;
		CALL("priority 0", syscall(SYS_sched_setparam, 0, &p));
		CALL("back", syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &p));
	}
	REAP(pid);
	FACT("ranges %ld %ld, %ld %ld, %ld", syscall(SYS_sched_get_priority_min, 1), syscall(SYS_sched_get_priority_max, 1),
	     syscall(SYS_sched_get_priority_min, 0), syscall(SYS_sched_get_priority_max, 0), syscall(SYS_sched_get_priority_max, 77));
}
