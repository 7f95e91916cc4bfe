// sched_setaffinity(2), sched_getaffinity(2), getcpu(2): sizes of masks, empty ones, inheritance, other processes.
#include "contract.h"

static long get(pid_t pid, size_t size, unsigned long *mask) { return syscall(SYS_sched_getaffinity, pid, size, mask); }
static long set(pid_t pid, size_t size, const unsigned long *mask) { return syscall(SYS_sched_setaffinity, pid, size, mask); }
static _Atomic pid_t tid;
static void *thread(void *arg)
{
	unsigned long m[16] = { 0 };
	get(0, sizeof m, m);
	FACT("a thread inherits %#lx", m[0]);
	return NULL;
}

int main(void)
{
	unsigned long m[128] = { 0 }, one = 1, zero = 0;
	long n = get(0, sizeof m, m);
	IS("a multiple of 8 is returned", n > 0 && n % 8 == 0 && n <= (long)sizeof m);
	IS("as many bits as processors online", __builtin_popcountl(m[0]) == sysconf(_SC_NPROCESSORS_ONLN));
	CALL("a size that is no multiple", get(0, 12, m));
	CALL("size 0", get(0, 0, m));
	CALL("bad pointer", get(0, 128, BAD_POINTER));
	CALL("no such process", get(99999, sizeof m, m));
	CALL("negative", get(-1, sizeof m, m));
	CALL("to the first", set(0, 8, &one));
	m[0] = 0;
	get(0, sizeof m, m);
	FACT("reads %#lx", m[0]);
	CALL("to none", set(0, 8, &zero));
	unsigned long far = 1ul << 60;
	CALL("to one that is not there", set(0, 8, &far));
	unsigned long all = -1;
	CALL("to all, more than there are", set(0, 8, &all));
	m[0] = 0;
	get(0, sizeof m, m);
	IS("is cut to those online", __builtin_popcountl(m[0]) == sysconf(_SC_NPROCESSORS_ONLN));
	CALL("a short mask", set(0, 1, &one));
	JOIN(THREAD(thread, NULL));
	pid_t pid;
	CHILD(pid)
	{
		get(0, sizeof m, m);
		FACT("a child inherits %#lx", m[0]);
	}
	REAP(pid);
	unsigned cpu = 99, node = 99;
	CALL("getcpu", syscall(SYS_getcpu, &cpu, &node, NULL));
	FACT("processor %u node %u", cpu, node);
	CALL("null pointers", syscall(SYS_getcpu, NULL, NULL, NULL));
	CALL("bad pointer", syscall(SYS_getcpu, BAD_POINTER, NULL, NULL));
	FACT("status: %s", line_of(get_file("/proc/self/status"), "Cpus_allowed_list:"));
	CHILD(pid)
	{
		setuid(1000);
		CALL("a user: another's", set(getppid(), 8, &one));
		CALL("its own", set(0, 8, &one));
		CALL("reading another's", get(getppid(), sizeof m, m) > 0);
	}
	REAP(pid);
}
