// user_namespaces(7), "Capabilities": what is allowed in a user namespace and what needs the first one; execve; the maker's rights from outside.
// run: user
#include "contract.h"
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/xattr.h>

static void put(const char *file, const char *text)
{
	int fd = MUST(open(file, O_WRONLY));
	MUST(write(fd, text, strlen(text)));
	close(fd);
}
static void become_root(void)
{
	unsigned uid = getuid(), gid = getgid();
	char text[32];
	MUST(unshare(CLONE_NEWUSER));
	put("/proc/self/setgroups", "deny");
	snprintf(text, sizeof text, "0 %u 1", uid);
	put("/proc/self/uid_map", text);
	snprintf(text, sizeof text, "0 %u 1", gid);
	put("/proc/self/gid_map", text);
}
static void caps(const char *what)
{
	char *s = get_file("/proc/self/status");
	FACT("%s: inheritable %s permitted %s effective %s bounding %s ambient %s", what, line_of(s, "CapInh:"), line_of(s, "CapPrm:"), line_of(s, "CapEff:"), strdup(line_of(s, "CapBnd:")), line_of(s, "CapAmb:"));
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		caps(argv[1]);
		return 0;
	}
	prctl(PR_SET_DUMPABLE, 1);
	put_file("mine", "");
	mkdir("dir", 0755);
	pid_t pid;
	struct gate up = gate_new(), end = gate_new();
	CHILD(pid)
	{
		MUST(unshare(CLONE_NEWUSER));
		caps("unmapped");
		FACT("securebits %d", prctl(PR_GET_SECUREBITS));
		pid_t p;
		CHILD(p)
		{
			execl("/proc/self/exe", argv[0], "exec without a map", NULL);
			_exit(99);
		}
		REAP(p);
	}
	REAP(pid);
	CHILD(pid)
	{
		become_root();
		caps("mapped");
		IS("dumpable", prctl(PR_GET_DUMPABLE) == 1);
		pid_t p;
		CHILD(p)
		{
			execl("/proc/self/exe", argv[0], "exec as root", NULL);
			_exit(99);
		}
		REAP(p);

		FACT("--- needs the first namespace");
		CALL("sethostname", sethostname("x", 1));
		CALL("mount", mount("none", "dir", "tmpfs", 0, NULL));
		CALL("settimeofday", settimeofday(&(struct timeval){ 0, 0 }, NULL));
		CALL("mknod", mknod("null", S_IFCHR | 0600, 0x103));
		CALL("trusted", setxattr("mine", "trusted.a", "x", 1, 0));
		CALL("raise a limit", setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 10, 1 << 20 }));
		CALL("nice", setpriority(PRIO_PROCESS, 0, -1));
		CALL("real time", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ 1 }));
		CALL("oom_score_adj", ({ int fd = open("/proc/self/oom_score_adj", O_WRONLY); write(fd, "-1000", 5); }));
		CALL("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL));
		CALL("open the kernel's log", open("/dev/kmsg", O_RDONLY));
		CALL("syslog", syscall(SYS_syslog, 3, NULL, 0));
		CALL("chown root's", chown("/proc/version", 0, 0));
		CALL("chmod root's", chmod("/etc", 0755));
		CALL("hostname by sysctl", open("/proc/sys/kernel/hostname", O_WRONLY));
		CALL("new uts", unshare(CLONE_NEWUTS));
		CALL("hostname by sysctl", open("/proc/sys/kernel/hostname", O_WRONLY));

		FACT("--- allowed here");
		CALL("sethostname", sethostname("inside", 6));
		CALL("setresuid to others", setresuid(0, 1, 0));
		CALL("setgroups", syscall(SYS_setgroups, 0, NULL));
		CALL("bounding set", prctl(PR_CAPBSET_DROP, 21, 0, 0, 0));
		CALL("securebits", prctl(PR_SET_SECUREBITS, 2));
		CALL("chroot", chroot("."));
		CALL("a namespace after chroot", unshare(CLONE_NEWUSER));
		int m = shmget(IPC_PRIVATE, 4096, 0);
		OK("attach without permission", shmat(m, NULL, SHM_RDONLY));
		shmctl(m, IPC_RMID, NULL);
		CALL("new ipc", unshare(CLONE_NEWIPC));
		m = shmget(IPC_PRIVATE, 4096, 0);
		OK("attach without permission", shmat(m, NULL, SHM_RDONLY));
		struct shmid_ds ds;
		CALL("stat", shmctl(m, SHM_STAT_ANY, &ds));
		ds.shm_perm.uid = 7;
		CALL("give it to nobody", shmctl(m, IPC_SET, &ds));
		FACT("it belongs to %d, made by %d", ds.shm_perm.uid, ds.shm_perm.cuid);
	}
	ENDED("child", pid);

	FACT("--- the maker outside");
	CHILD(pid)
	{
		become_root();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_DUMPABLE, 0);
		gate_open(up);
		gate_wait(end);
		for (;;)
			pause();
	}
	gate_wait(up);
	char path[64];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	stat(path, &st);
	IS("it owns the files of a process that is not dumpable", st.st_uid == getuid());
	snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
	int fd = open(path, O_RDONLY);
	FACT("open its namespace: %s", fd < 0 ? errno_name(errno) : "ok");
	CALL("kill", kill(pid, SIGTERM));
	ENDED("it", pid);

	CHILD(pid)
	{
		become_root();
		gate_open(up);
		for (;;)
			pause();
	}
	gate_wait(up);
	fd = open(path, O_RDONLY), snprintf(path, sizeof path, "/proc/%d/ns/user", pid), fd = open(path, O_RDONLY);
	pid_t other;
	CHILD(other)
	{
		caps("before");
		CALL("setns", setns(fd, CLONE_NEWUSER));
		caps("in it");
		FACT("ids %d %d", getuid(), getgid());
		CALL("again", setns(fd, CLONE_NEWUSER));
		FACT("read the map: %s", get_file("/proc/self/setgroups"));
		CALL("its uts is the first's", sethostname("x", 1));
		CALL("kill", kill(pid, SIGKILL));
	}
	REAP(other);
	ENDED("it", pid);
}
