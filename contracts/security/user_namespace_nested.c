// user_namespaces(7): nesting and its limit, ioctl_ns(2), clone and clone3, setns across levels, max_user_namespaces.
#include "contract.h"

enum { NS_GET_USERNS = 0xb701, NS_GET_PARENT, NS_GET_NSTYPE, NS_GET_OWNER_UID }; // ioctl_ns(2)

static bool same(int a, int b)
{
	struct stat x, y;
	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}
static void put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		FACT("%s: %s", file, errno_name(errno));
	close(fd);
}

// root becomes 0 in its namespace.
static void root(void)
{
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", "0 0 1");
	put("/proc/self/gid_map", "0 0 1");
}
// map writes another process's maps.
static void map(pid_t pid, const char *uids, const char *gids)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
	put(path, uids);
	snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
	put(path, gids);
}

int main(void)
{
	pid_t pid;
	unsigned owner;
	int first = MUST(open("/proc/self/ns/user", O_RDONLY)), uts = open("/proc/self/ns/uts", O_RDONLY), p = open("/proc/self/ns/pid", O_RDONLY);
	CALL("parent of the first", ioctl(first, NS_GET_PARENT));
	CALL("owner of the first", ioctl(first, NS_GET_USERNS));
	CALL("its owner's id", ioctl(first, NS_GET_OWNER_UID, &owner));
	FACT("%u", owner);
	IS("its type", ioctl(first, NS_GET_NSTYPE) == CLONE_NEWUSER);
	CALL("enter it", setns(first, 0));
	int o = ioctl(uts, NS_GET_USERNS);
	IS("a uts namespace is the first's", same(o, first));
	CALL("parent of a uts namespace", ioctl(uts, NS_GET_PARENT));
	CALL("owner's id of a uts namespace", ioctl(uts, NS_GET_OWNER_UID, &owner));
	CALL("parent of the first pid namespace", ioctl(p, NS_GET_PARENT));
	CALL("flags of the descriptor", fcntl(o, F_GETFD));

	FACT("--- clone");
	char stack[16384];
	struct gate g = gate_new();
	pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		int mine = open("/proc/self/ns/user", O_RDONLY);
		IS("another namespace", !same(mine, first));
		FACT("id %d", getuid());
		CALL("parent", ioctl(mine, NS_GET_PARENT));
		CALL("enter the first", setns(first, 0));
		CALL("enter uts", setns(uts, 0));
		_exit(0);
	}
	REAP(pid);
	struct { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; } args = { .flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC, .exit_signal = SIGCHLD };
	pid = syscall(SYS_clone3, &args, sizeof args);
	if (pid == 0) {
		FACT("clone3: id %d, pid %d", getuid(), getpid());
		int mine = open("/proc/self/ns/user", O_RDONLY);
		_exit(0);
	}
	ENDED("clone3", pid);
	errno = 0;
	CALL("with CLONE_FS", syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
	CALL("of a thread", syscall(SYS_clone, CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, stack + sizeof stack, 0, 0, 0));

	FACT("--- levels");
	CHILD(pid)
	{
		int n = 0;
		for (;;) {
			if (unshare(CLONE_NEWUSER) != 0)
				break;
			put("/proc/self/uid_map", "0 0 1");
			if (n == 0)
				put("/proc/self/setgroups", "deny");
			put("/proc/self/gid_map", "0 0 1");
			n++;
		}
		FACT("%s at level %d", errno_name(errno), n);
	}
	REAP(pid);
	struct gate made = gate_new(), mapped = gate_new();
	CHILD(pid)
	{
		MUST(unshare(CLONE_NEWUSER));
		int one = open("/proc/self/ns/user", O_RDONLY);
		CALL("without maps", unshare(CLONE_NEWUSER));
		gate_open(made);
		gate_wait(mapped);
		int mine = open("/proc/self/ns/user", O_RDONLY);
		IS("the same still", same(one, mine));
		pid_t q;
		struct gate up = gate_new(), end = gate_new();
		CHILD(q)
		{
			MUST(setresuid(1000, 1000, 1000));
			prctl(PR_SET_DUMPABLE, 1);
			MUST(unshare(CLONE_NEWUSER | CLONE_NEWUTS));
			gate_open(up);
			gate_wait(end);
		}
		gate_wait(up);
		map(q, "0 1000 1\n7 0 1", "7 0 1\n");
		char path[64];
		snprintf(path, sizeof path, "/proc/%d/ns/user", q);
		int two = open(path, O_RDONLY);
		snprintf(path, sizeof path, "/proc/%d/ns/uts", q);
		int names = open(path, O_RDONLY);
		int by = ioctl(names, NS_GET_USERNS);
		IS("its uts is of its user namespace", same(by, two));
		CALL("owner", ioctl(two, NS_GET_OWNER_UID, &owner));
		FACT("%u", owner);
		snprintf(path, sizeof path, "/proc/%d/status", q);
		FACT("its ids here:%s", strchr(line_of(get_file(path), "Uid:"), '\t'));
		pid_t r;
		CHILD(r)
		{
			CALL("enter its uts only", setns(names, 0));
			CALL("sethostname", sethostname("x", 1));
			CALL("enter both", setns(two, 0));
			FACT("ids %d %d", getuid(), getgid());
			CALL("sethostname", sethostname("x", 1));
			CALL("back up", setns(one, 0));
			CALL("parent", ioctl(two, NS_GET_PARENT));
			CALL("owner's id", ioctl(two, NS_GET_OWNER_UID, &owner));
			FACT("%u", owner);
		}
		REAP(r);
		CHILD(r)
		{
			int pidfd = syscall(SYS_pidfd_open, q, 0);
			CALL("by pidfd: user and uts", setns(pidfd, CLONE_NEWUTS | CLONE_NEWUSER));
			CALL("sethostname", sethostname("y", 1));
			CALL("again", setns(pidfd, CLONE_NEWUSER));
		}
		REAP(r);
		gate_open(end);
		REAP(q);
	}
	gate_wait(made);
	map(pid, "0 0 1\n1000 1000 1", "0 0 1");
	gate_open(mapped);
	REAP(pid);

	FACT("--- limits");
	CHILD(pid)
	{
		IS("there is a limit", atoi(get_file("/proc/sys/user/max_user_namespaces")) > 0);
		FACT("unprivileged_userns_clone %s", get_file("/proc/sys/kernel/unprivileged_userns_clone"));
		MUST(unshare(CLONE_NEWUSER));
		root();
		FACT("inside %s", get_file("/proc/sys/user/max_user_namespaces"));
		put("/proc/sys/user/max_user_namespaces", "2");
		put("/proc/sys/user/max_uts_namespaces", "0");
		put("/proc/sys/user/max_ipc_namespaces", "-1");
		put("/proc/sys/user/max_ipc_namespaces", "x");
		FACT("inside %s", get_file("/proc/sys/user/max_user_namespaces"));
		CALL("uts", unshare(CLONE_NEWUTS));
		CALL("user and uts", unshare(CLONE_NEWUSER | CLONE_NEWUTS));
		put("/proc/sys/user/max_uts_namespaces", "1");
		CALL("user and uts", unshare(CLONE_NEWUSER | CLONE_NEWUTS));
		root();
		FACT("one below %s", get_file("/proc/sys/user/max_user_namespaces"));
		CALL("uts", unshare(CLONE_NEWUTS));
	}
	REAP(pid);
	CHILD(pid)
	{
		MUST(setresuid(1000, 1000, 1000));
		prctl(PR_SET_DUMPABLE, 1);
		put("/proc/sys/user/max_user_namespaces", "5");
		CALL("unprivileged", unshare(CLONE_NEWUSER));
		put("/proc/sys/user/max_user_namespaces", "5");
	}
	REAP(pid);
}
