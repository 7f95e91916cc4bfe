// user_namespaces(7): a user becomes root inside: ids before and after the maps, capabilities, files, limits.
// run: user
#include "contract.h"

static void map(const char *file, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/%s", file);
	int fd = open(path, O_WRONLY);
	CALL(file, write(fd, text, strlen(text)));
	close(fd);
}

int main(void)
{
	put_file("mine", "");
	struct stat st;
	pid_t pid;
	CHILD(pid)
	{
		prctl(PR_SET_DUMPABLE, 1);
		OK("unshare", unshare(CLONE_NEWUSER));
		FACT("unmapped: %d %d", getuid(), getgid());
		FACT("map '%s'", get_file("/proc/self/uid_map"));
		FACT("CapEff %s", line_of(get_file("/proc/self/status"), "CapEff:"));
		stat("mine", &st);
		FACT("own file %d", st.st_uid);
		map("gid_map", "0 1000 1");
		map("setgroups", "deny");
		map("gid_map", "0 1000 1");
		map("uid_map", "0 5 1");
		map("uid_map", "0 1000 1");
		map("uid_map", "0 1000 1");
		FACT("mapped: %d %d", getuid(), getgid());
		unsigned a, b, c;
		sscanf(get_file("/proc/self/uid_map"), "%u %u %u", &a, &b, &c);
		FACT("map %u %u %u", a, b, c);
		stat("mine", &st);
		FACT("own file %d", st.st_uid);
		stat("/proc/version", &st);
		FACT("root's file %d", st.st_uid);
		CALL("chown to root inside", chown("mine", 0, 0));
		CALL("to an unmapped id", chown("mine", 1, 1));
		CALL("setuid to an unmapped id", setuid(5));
		CALL("setgroups", syscall(SYS_setgroups, 0, NULL));
		CALL("sethostname of the outer", sethostname("x", 1));
		CALL("unshare more", unshare(CLONE_NEWUTS | CLONE_NEWNS));
		CALL("sethostname of its own", sethostname("mine", 4));
		CALL("mount tmpfs", mount("none", ".", "tmpfs", 0, NULL));
		CALL("mknod", mknod("null", S_IFCHR | 0600, 0x103));
		CALL("nice -5", setpriority(PRIO_PROCESS, 0, -5));
		CALL("chroot", chroot("."));
	}
	ENDED("child", pid);
	stat("mine", &st);
	FACT("outside the owner is %d", st.st_uid);
}
