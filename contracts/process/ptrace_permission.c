// ptrace(2), "Ptrace access mode checking": who may trace whom, and that memory is to be had on the same terms.
#include "contract.h"
#include "ptrace.h"

static char secret[] = "secret";

static const char *tries(pid_t pid)
{
	static char text[200];
	char buf[8];
	struct iovec local = { buf, 7 }, remote = { secret, 7 };
	errno = 0;
	long r = process_vm_readv(pid, &local, 1, &remote, 1, 0);
	int n = sprintf(text, "process_vm_readv %s", r == 7 ? "works" : errno_name(errno));
	char path[64];
	sprintf(path, "/proc/%d/mem", pid);
	int fd = open(path, O_RDONLY);
	n += sprintf(text + n, ", mem %s", fd >= 0 ? "opens" : errno_name(errno));
	if (fd >= 0)
		close(fd);
	r = trace(PTRACE_SEIZE, pid, 0, 0);
	sprintf(text + n, ", PTRACE_SEIZE %s", r == 0 ? "works" : errno_name(errno));
	if (r == 0) {
		trace(PTRACE_INTERRUPT, pid, 0, 0);
		quiet(pid);
		trace(PTRACE_DETACH, pid, 0, 0);
	}
	return text;
}

static void become(int uid)
{
	MUST(setresgid(uid, uid, uid));
	MUST(setresuid(uid, uid, uid));
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void try(const char *name, int tracee, int tracer, bool dumpable)
{
	pid_t pid, by;
	struct gate ready = gate_new();
	CHILD(pid)
	{
		if (tracee != 0)
			become(tracee);
		prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
		gate_open(ready);
		for (;;)
			pause();
	}
	gate_wait(ready);
	asleep(pid);
	CHILD(by)
	{
		if (tracer != 0)
			become(tracer);
		FACT("%s: %s", name, tries(pid));
	}
	REAP(by);
	kill(pid, SIGKILL);
	REAP(pid);
}

int main(void)
{
	try("root of another", 1000, 0, true);
	try("root of one that is not dumpable", 1000, 0, false);
	try("user of its own", 1000, 1000, true);
	try("user of its own that is not dumpable", 1000, 1000, false);
	try("user of another", 1000, 1001, true);
	try("user of root", 0, 1001, true);

	pid_t pid;
	CHILD(pid)
	{
		pid_t c;
		CHILD(c)
		{
			become(1000);
			FACT("PTRACE_TRACEME by root's: %s", trace(PTRACE_TRACEME, 0, 0, 0) == 0 ? "works" : errno_name(errno));
		}
		REAP(c);
		int pipes[2];
		pipe(pipes);
		pid_t root = fork();
		if (root == 0) {
			char b;
			read(pipes[0], &b, 1);
			FACT("PTRACE_TRACEME under one that may less: %s", trace(PTRACE_TRACEME, 0, 0, 0) == 0 ? "works" : errno_name(errno));
			_exit(0);
		}
		become(1000);
		write(pipes[1], "x", 1);
		REAP(root);
	}
	REAP(pid);
}
