// proc(5), ptrace(2): what an ordinary user may see of another's process: names yes, memory and descriptors no.
#include "contract.h"

static pid_t target;
static void try_open(const char *name)
{
	char path[64], b[64];
	snprintf(path, sizeof path, "/proc/%d/%s", target, name);
	errno = 0;
	int fd = open(path, O_RDONLY);
	long n = fd >= 0 ? read(fd, b, sizeof b) : 0;
	FACT("%s: open %s read %s", name, fd >= 0 ? "ok" : errno_name(errno), fd < 0 ? "-" : n < 0 ? errno_name(errno) : "ok");
	close(fd);
}
static void try_link(const char *name)
{
	char path[64], b[64];
	snprintf(path, sizeof path, "/proc/%d/%s", target, name);
	OK(name, readlink(path, b, sizeof b));
}
static void all(void)
{
	const char *files[] = { "stat", "status", "statm", "cmdline", "comm", "limits", "mounts", "maps", "environ", "auxv", "mem", "io" };
	for (int i = 0; i < COUNT_OF(files); i++)
		try_open(files[i]);
	try_link("exe");
	try_link("cwd");
	try_link("fd/0");
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fd", target);
	CALL("fd", open(path, O_RDONLY) >= 0 ? 0 : -1);
	char c;
	struct iovec v = { &c, 1 }, r = { &target, 1 };
	OK("process_vm_readv", process_vm_readv(target, &v, 1, &r, 1, 0));
}

int main(void)
{
	target = getpid();
	pid_t pid;
	CHILD(pid)
	{
		MUST(setgid(1000));
		MUST(setuid(1000));
		FACT("a user, root's process");
		all();
	}
	REAP(pid);
	CHILD(pid)
	{
		MUST(setgid(1000));
		MUST(setuid(1000));
		target = getpid();
		FACT("its own after setuid, which makes it undumpable: %d", prctl(PR_GET_DUMPABLE));
		try_open("maps");
		try_open("stat");
		pid_t other;
		CHILD(other)
		{
			FACT("another of the same user");
			all();
		}
		REAP(other);
		prctl(PR_SET_DUMPABLE, 1);
		CHILD(other)
		{
			FACT("dumpable again");
			all();
		}
		REAP(other);
	}
	REAP(pid);
}
