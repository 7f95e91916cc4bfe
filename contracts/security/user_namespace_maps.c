// user_namespaces(7), "Defining user and group ID mappings": who may write uid_map, gid_map, projid_map and setgroups, what they take, how they read.
#include "contract.h"

static int to, from; // a child in a namespace of its own, and what it answers

static char *path_of(pid_t pid, const char *file)
{
	static char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	return path;
}
static void write_map(pid_t pid, const char *file, const char *text)
{
	char name[256];
	int fd = open(path_of(pid, file), O_WRONLY), n = 0;
	for (const char *p = text; *p && n < 60; p++) // on one line
		n += sprintf(name + n, *p == '\n' ? "/" : "%c", *p);
	name[n] = 0;
	char what[320];
	snprintf(what, sizeof what, "%s '%s'", file, name);
	if (fd < 0)
		CALL(what, fd);
	else
		CALL(what, write(fd, text, strlen(text)));
	close(fd);
}
static void show(const char *what, pid_t pid, const char *file)
{
	char text[512] = "", *p = get_file(path_of(pid, file));
	unsigned a, b, c;
	int n;
	while (sscanf(p, "%u %u %u\n%n", &a, &b, &c, &n) == 3) {
		sprintf(text + strlen(text), " %u,%u,%u", a, b, c);
		p += n;
	}
	FACT("%s %s:%s%s", what, file, text, p);
}
// inside starts a process in a user namespace that waits to be told to end.
static pid_t inside(struct gate *end)
{
	*end = gate_new();
	struct gate up = gate_new();
	pid_t pid;
	CHILD(pid)
	{
		MUST(unshare(CLONE_NEWUSER));
		gate_open(up);
		gate_wait(*end);
	}
	gate_wait(up);
	return pid;
}

int main(void)
{
	struct gate end;
	pid_t pid = inside(&end);
	char big[5000], many[9000] = "";

	FACT("--- the first namespace");
	show("its own", getpid(), "uid_map");
	FACT("setgroups %s", get_file("/proc/self/setgroups"));
	write_map(getpid(), "uid_map", "0 0 1");
	write_map(getpid(), "setgroups", "deny");
	write_map(getpid(), "setgroups", "allow");

	FACT("--- what a map takes");
	show("before", pid, "uid_map");
	write_map(pid, "uid_map", "");
	write_map(pid, "uid_map", "\n");
	write_map(pid, "uid_map", "0 0");
	write_map(pid, "uid_map", "0 0 1 1");
	write_map(pid, "uid_map", "0 0 1 x");
	write_map(pid, "uid_map", "-1 0 1");
	write_map(pid, "uid_map", "0 0 0");
	write_map(pid, "uid_map", "0x0 0 1");
	write_map(pid, "uid_map", "4294967295 0 1");
	write_map(pid, "uid_map", "0 4294967295 1");
	write_map(pid, "uid_map", "0 1 4294967295");
	write_map(pid, "uid_map", "2 0 4294967295");
	write_map(pid, "uid_map", "0 0 10\n9 20 1");
	write_map(pid, "uid_map", "0 0 10\n20 9 1");
	write_map(pid, "uid_map", "0 0 10\n\n20 19 1");
	memset(big, ' ', sizeof big - 1);
	big[sizeof big - 1] = 0;
	memcpy(big, "0 0 1", 5);
	int fd = open(path_of(pid, "uid_map"), O_WRONLY);
	CALL("a page", write(fd, big, 4096));
	lseek(fd, 1, SEEK_SET);
	CALL("not at the start", write(fd, "0 0 1", 5));
	lseek(fd, 0, SEEK_SET);
	for (int i = 0; i < 341; i++)
		sprintf(many + strlen(many), "%d %d 1\n", 2 * i, 2 * i);
	CALL("341 lines", write(fd, many, strlen(many)));
	close(fd);
	write_map(pid, "uid_map", "  10\t 1000   5 \n0 0 1\n 4000000000 2000 3");
	show("after", pid, "uid_map");
	write_map(pid, "uid_map", "0 0 1");

	FACT("--- groups");
	FACT("setgroups %s", get_file(path_of(pid, "setgroups")));
	write_map(pid, "setgroups", "no");
	write_map(pid, "setgroups", "allow or");
	write_map(pid, "setgroups", "allow\n");
	write_map(pid, "setgroups", "deny ");
	FACT("setgroups %s", get_file(path_of(pid, "setgroups")));
	write_map(pid, "setgroups", "allow");
	write_map(pid, "gid_map", "0 0 1\n");
	write_map(pid, "setgroups", "deny");
	show("after", pid, "gid_map");
	write_map(pid, "projid_map", "0 0 4294967295");
	show("after", pid, "projid_map");
	gate_open(end);
	REAP(pid);
	pid = inside(&end);
	write_map(pid, "gid_map", "0 0 1");
	write_map(pid, "setgroups", "deny");
	gate_open(end);
	REAP(pid);

	FACT("--- without privileges");
	CHILD(pid)
	{
		prctl(PR_SET_DUMPABLE, 1);
		MUST(setresgid(1000, 1000, 1000));
		MUST(setresuid(1000, 1000, 1000));
		prctl(PR_SET_DUMPABLE, 1);
		struct gate e;
		pid_t in = inside(&e);
		write_map(in, "uid_map", "0 1001 1");
		write_map(in, "uid_map", "0 1000 2");
		write_map(in, "uid_map", "0 1000 1\n1 1001 1");
		write_map(in, "uid_map", "0 0 1");
		write_map(in, "gid_map", "0 1000 1");
		write_map(in, "setgroups", "deny");
		write_map(in, "gid_map", "0 1001 1");
		write_map(in, "gid_map", "7 1000 1");
		write_map(in, "uid_map", "5 1000 1");
		write_map(in, "projid_map", "0 0 1");
		show("outside", in, "uid_map");
		show("outside", in, "gid_map");
		gate_open(e);
		REAP(in);
		// From inside, and a descriptor from outside.
		int outer = open("/proc/self/uid_map", O_WRONLY);
		MUST(unshare(CLONE_NEWUSER));
		CALL("an outer descriptor is of the outer namespace", write(outer, "0 1000 1", 8));
		FACT("ids %d %d", getuid(), getgid());
		write_map(getpid(), "uid_map", "0 1000 1");
		show("inside", getpid(), "uid_map");
		write_map(getpid(), "setgroups", "deny");
		write_map(getpid(), "gid_map", "0 1000 1");
		FACT("ids %d %d", getuid(), getgid());
		pid_t p;
		CHILD(p)
		{
			MUST(unshare(CLONE_NEWUSER));
			FACT("setgroups is inherited: %s", get_file("/proc/self/setgroups"));
			write_map(getpid(), "uid_map", "3 1 1");
			write_map(getpid(), "uid_map", "3 0 1");
			write_map(getpid(), "gid_map", "4 0 1");
			FACT("ids %d %d", getuid(), getgid());
			show("inside", getpid(), "uid_map");
			show("of the parent, which the reader cannot name", getppid(), "uid_map");
		}
		REAP(p);
	}
	REAP(pid);

	FACT("--- the right to give files capabilities");
	CHILD(pid)
	{
		struct { uint32_t version; int pid; } head = { 0x20080522, 0 };
		struct { uint32_t e, p, i; } caps[2];
		MUST(syscall(SYS_capget, &head, caps));
		caps[0].e &= ~(1u << 31);
		MUST(syscall(SYS_capset, &head, caps));
		MUST(unshare(CLONE_NEWUSER));
		write_map(getpid(), "uid_map", "0 0 1");
		write_map(getpid(), "uid_map", "0 1 1");
	}
	REAP(pid);
}
