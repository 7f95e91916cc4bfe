// kcmp(2): what two processes share, and that the order of what they do not share is one.
#include "contract.h"

enum { OPEN_FILE, VM, FILES, FS, SIGHAND, IO, SYSVSEM };
static const char *kind[] = { "open file", "memory", "descriptors", "directories", "handlers", "I/O context", "undo list" };

static long compare(pid_t a, pid_t b, int what, long x, long y) { return syscall(SYS_kcmp, a, b, what, x, y); }

static int waits(void *gate)
{
	gate_wait(*(struct gate *)gate);
	return 0;
}

// show compares a process with ourselves in every respect but I/O. Two that have no undo list have the same.
static void show(const char *name, pid_t pid)
{
	for (int what = VM; what <= SYSVSEM; what++)
		if (what != IO)
			FACT("%s: %s %s", name, kind[what], compare(getpid(), pid, what, 0, 0) == 0 ? "shared" : "its own");
}

int main(void)
{
	pid_t self = getpid(), pid;
	int null = open("/dev/null", O_RDONLY), copy = dup(null), again = open("/dev/null", O_RDONLY);
	CALL("a descriptor and its duplicate", compare(self, self, OPEN_FILE, null, copy));
	FACT("opened twice: both ways %ld", compare(self, self, OPEN_FILE, null, again) + compare(self, self, OPEN_FILE, again, null));
	CALL("a closed descriptor", compare(self, self, OPEN_FILE, null, 99));
	CALL("a negative one", compare(self, self, OPEN_FILE, -1, null));
	CALL("ourselves", compare(self, self, VM, 0, 0));
	CALL("an unknown kind", compare(self, self, 99, 0, 0));
	CALL("nobody", compare(self, 0x3ffffff, VM, 0, 0));
	struct gate g = gate_new();
	CHILD(pid) gate_wait(g);
	show("forked", pid);
	CALL("its descriptor", compare(self, pid, OPEN_FILE, null, copy));
	FACT("memory: both ways %ld", compare(self, pid, VM, 0, 0) + compare(pid, self, VM, 0, 0));
	gate_open(g);
	REAP(pid);
	char *stack = pages(16, PROT_READ | PROT_WRITE) + 16 * page();
	pid = MUST(clone(waits, stack, CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | SIGCHLD, &g));
	show("cloned with files, directories and undo list", pid);
	gate_open(g);
	REAP(pid);
	pid = MUST(clone(waits, stack, CLONE_VM | CLONE_SIGHAND | SIGCHLD, &g));
	show("cloned with memory and handlers", pid);
	gate_open(g);
	REAP(pid);
	CHILD(pid)
	{
		setuid(1000);
		CALL("a user, another's", compare(getppid(), getppid(), VM, 0, 0));
	}
	REAP(pid);
}
