// sched_yield(2), getpriority(2), ioprio_get(2), membarrier(2), rseq(2): results, ranges, groups and users.
#include "contract.h"

int main(void)
{
	CALL("sched_yield", sched_yield());
	pid_t a, b;
	struct gate g = gate_new();
	CHILD(a)
	{
		setpgid(0, 0);
		gate_open(g);
		pause();
	}
	gate_wait(g);
	CHILD(b)
	{
		setpgid(0, a);
		gate_open(g);
		pause();
	}
	gate_wait(g);
	CALL("a group's nice", setpriority(PRIO_PGRP, a, 4));
	FACT("each of it: %d %d", getpriority(PRIO_PROCESS, a), getpriority(PRIO_PROCESS, b));
	setpriority(PRIO_PROCESS, b, 9);
	FACT("the group's is the lowest: %d", getpriority(PRIO_PGRP, a));
	CALL("ours is as before", getpriority(PRIO_PROCESS, 0));
	CALL("no such group", getpriority(PRIO_PGRP, 99999));
	CALL("a bad kind", getpriority(9, 0));
	CALL("user 0", getpriority(PRIO_USER, 0) <= 4);
	kill(a, SIGKILL);
	kill(b, SIGKILL);
	REAP(a);
	REAP(b);
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		CALL("a user: nice 3", setpriority(PRIO_PROCESS, 0, 3));
		CALL("back to 0", setpriority(PRIO_PROCESS, 0, 0));
		CALL("another's", setpriority(PRIO_PROCESS, getppid(), 5));
		CALL("over the range", setpriority(PRIO_PROCESS, 0, 50));
		FACT("is cut: %d", getpriority(PRIO_PROCESS, 0));
		CALL("nice(-1)", nice(-1));
	}
	REAP(pid);
	CHILD(pid)
	{
		setrlimit(RLIMIT_NICE, &(struct rlimit){ 25, 25 });
		setuid(1000);
		CALL("RLIMIT_NICE 25: nice -5", setpriority(PRIO_PROCESS, 0, -5));
		CALL("nice -6", setpriority(PRIO_PROCESS, 0, -6));
	}
	REAP(pid);
	CALL("ioprio_get", syscall(SYS_ioprio_get, 1, 0));
	CALL("ioprio_set best effort 3", syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 3));
	CALL("ioprio_get", syscall(SYS_ioprio_get, 1, 0));
	CALL("a bad class", syscall(SYS_ioprio_set, 1, 0, 5 << 13));
	CALL("membarrier: what there is", syscall(SYS_membarrier, 0, 0, 0) & 1);
	CALL("global", syscall(SYS_membarrier, 1, 0, 0));
	CALL("private without registration", syscall(SYS_membarrier, 8, 0, 0));
	CALL("register", syscall(SYS_membarrier, 16, 0, 0));
	CALL("private", syscall(SYS_membarrier, 8, 0, 0));
	CALL("an unknown command", syscall(SYS_membarrier, 1 << 20, 0, 0));
	CALL("with flags", syscall(SYS_membarrier, 1, 5, 0));
	static struct { uint32_t start, id; uint64_t cs; uint32_t flags, pad[3]; } __attribute__((aligned(32))) r = { 0, -1 };
	CALL("rseq", syscall(SYS_rseq, &r, 32, 0, 0x53053053));
	FACT("processor %d", (int)r.id < sysconf(_SC_NPROCESSORS_ONLN) && r.id == r.start);
	CALL("again", syscall(SYS_rseq, &r, 32, 0, 0x53053053));
	CALL("with another signature", syscall(SYS_rseq, &r, 32, 0, 1));
	CALL("unregister", syscall(SYS_rseq, &r, 32, 1, 0x53053053));
	CALL("again", syscall(SYS_rseq, &r, 32, 1, 0x53053053));
	CALL("a bad size", syscall(SYS_rseq, &r, 20, 0, 0x53053053));
}
