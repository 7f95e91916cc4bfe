// user_namespaces(7), mount_namespaces(7) "Restrictions on mount namespaces": what may be mounted in a user namespace, locked mounts and flags, pivot_root.
#include "contract.h"

static int pivot_root(const char *to, const char *put) { return syscall(SYS_pivot_root, to, put); }
static void put(const char *file, const char *text)
{
	int fd = MUST(open(file, O_WRONLY));
	MUST(write(fd, text, strlen(text)));
	close(fd);
}
static void enter(int flags)
{
	MUST(unshare(CLONE_NEWUSER | flags));
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", "0 1000 1");
	put("/proc/self/gid_map", "0 1000 1");
}
static void owner(const char *name)
{
	struct stat st;
	MUST(stat(name, &st));
	FACT("%s: %d %d %04o", name, st.st_uid, st.st_gid, st.st_mode & 07777);
}
static void try(const char *type)
{
	char what[64];
	snprintf(what, sizeof what, "mount %s", type);
	if (CALL(what, mount("none", "dir", type, 0, NULL)) == 0)
		MUST(umount("dir"));
}
// options prints the flags of the mount whose point ends so.
static void options(const char *end)
{
	char *text = get_file("/proc/self/mountinfo"), *line, *save;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char point[256], flags[128], rest[256];
		sscanf(line, "%*d %*d %*s %*s %255s %127s %255s", point, flags, rest);
		size_t n = strlen(point), m = strlen(end);
		if (n >= m && strcmp(point + n - m, end) == 0)
			FACT("%s: %s %s", end, flags, strncmp(rest, "master", 6) == 0 ? "a slave" : strncmp(rest, "shared", 6) == 0 ? "shared" : rest);
	}
}

int main(void)
{
	pid_t pid;
	char cwd[128];
	MUST(chmod(".", 0777));
	MUST(mount("none", ".", "tmpfs", 0, "mode=777"));
	MUST(chdir(getcwd(cwd, sizeof cwd)));
	mkdir("ro", 0755);
	mkdir("flags", 0755);
	mkdir("hidden", 0755);
	mkdir("hidden/below", 0755);
	mkdir("shared", 0755);
	MUST(mount("none", "ro", "tmpfs", MS_RDONLY | MS_NOATIME, NULL));
	MUST(mount("none", "flags", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	MUST(mount("none", "hidden", "tmpfs", 0, NULL));
	MUST(mount("none", "shared", "tmpfs", 0, "mode=777"));
	MUST(mount(NULL, "shared", NULL, MS_SHARED, NULL));
	mkdir("shared/sub", 0777);

	struct gate ready = gate_new(), go = gate_new();
	CHILD(pid)
	{
		MUST(setresgid(1000, 1000, 1000));
		MUST(setresuid(1000, 1000, 1000));
		prctl(PR_SET_DUMPABLE, 1);
		enter(CLONE_NEWNS);
		mkdir("dir", 0755);
		FACT("--- types");
		try("tmpfs");
		try("ramfs");
		try("proc");
		try("sysfs");
		try("devpts");
		try("mqueue");
		CALL("an ipc namespace", unshare(CLONE_NEWIPC));
		try("mqueue");
		try("devtmpfs");
		try("nothing");
		CALL("umount the outer tmpfs", umount("ro"));
		CALL("lazily", umount2("ro", MNT_DETACH));
		CALL("by force", umount2("dir", MNT_FORCE));

		FACT("--- flags");
		options("/ro");
		options("/flags");
		CALL("writable", mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND, NULL));
		CALL("writable", mount(NULL, "ro", NULL, MS_REMOUNT, NULL));
		CALL("read-only still", mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
		CALL("other access times", mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_RELATIME, NULL));
		CALL("with devices", mount(NULL, "flags", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NOEXEC, NULL));
		CALL("with set-id", mount(NULL, "flags", NULL, MS_REMOUNT | MS_BIND | MS_NODEV | MS_NOEXEC, NULL));
		CALL("with programs", mount(NULL, "flags", NULL, MS_REMOUNT | MS_BIND | MS_NODEV | MS_NOSUID, NULL));
		CALL("read-only too", mount(NULL, "flags", NULL, MS_REMOUNT | MS_BIND | MS_NODEV | MS_NOSUID | MS_NOEXEC | MS_RDONLY, NULL));
		CALL("and back", mount(NULL, "flags", NULL, MS_REMOUNT | MS_BIND | MS_NODEV | MS_NOSUID | MS_NOEXEC, NULL));
		CALL("the file system's options", mount(NULL, "flags", NULL, MS_REMOUNT | MS_NODEV | MS_NOSUID | MS_NOEXEC, "size=1m"));

		FACT("--- what is hidden stays hidden");
		CALL("bind what covers nothing", mount("ro", "dir", NULL, MS_BIND, NULL));
		options("/dir");
		CALL("writable", mount(NULL, "dir", NULL, MS_REMOUNT | MS_BIND, NULL));
		CALL("umount", umount("dir"));
		CALL("bind what is covered", mount(".", "dir", NULL, MS_BIND, NULL));
		CALL("with what covers it", mount(".", "dir", NULL, MS_BIND | MS_REC, NULL));
		CALL("uncover", umount("dir/hidden"));
		CALL("the whole", umount2("dir", MNT_DETACH));
		CALL("move", mount("hidden", "dir", NULL, MS_MOVE, NULL));
		CALL("mount on it", mount("none", "hidden", "tmpfs", 0, NULL));
		CALL("umount that", umount("hidden"));
		CALL("umount the rest", umount("hidden"));
		options("/shared");
		CALL("mount in what was shared", mount("none", "shared/sub", "tmpfs", 0, NULL));
		gate_open(ready);
		gate_wait(go);

		FACT("--- a tmpfs of its own");
		CALL("mount", mount("none", "dir", "tmpfs", 0, "mode=755"));
		owner("dir");
		options("/dir");
		put_file("dir/f", "");
		owner("dir/f");
		CALL("chown to nobody", chown("dir/f", 1, 1));
		CALL("a device", mknod("dir/null", S_IFCHR | 0666, 0x103));
		CALL("a fifo", mkfifo("dir/p", 0666));
		CALL("trusted", syscall(SYS_setxattr, "dir/f", "trusted.a", "x", 1, 0));
		CALL("security", syscall(SYS_setxattr, "dir/f", "security.a", "x", 1, 0));
		CALL("devpts", mount("none", "dir", "devpts", 0, "ptmxmode=666"));
		owner("dir");
		owner("dir/ptmx");
		int n, m = open("dir/ptmx", O_RDWR | O_NOCTTY);
		IS("a terminal", m >= 0 && ioctl(m, TIOCGPTN, &n) == 0);
		owner("dir/0");
		close(m);
		CALL("umount", umount("dir"));
		CALL("its options", mount(NULL, "dir", NULL, MS_REMOUNT, "size=1m"));
		CALL("umount", umount("dir"));
		CALL("for nobody", mount("none", "dir", "tmpfs", 0, "uid=5"));
		CALL("for root", mount("none", "dir", "tmpfs", 0, "uid=0,gid=0,mode=700"));
		owner("dir");
		CALL("umount", umount("dir"));

		FACT("--- a new root");
		CALL("to a locked mount", pivot_root("hidden", "hidden"));
		CALL("mount", mount("none", "dir", "tmpfs", 0, NULL)); // a root that is a mount with a parent
		mkdir("dir/new", 0755);
		mkdir("dir/hidden", 0755);
		mkdir("dir/proc", 0755);
		CALL("bind", mount("hidden", "dir/hidden", NULL, MS_BIND, NULL));
		CALL("bind proc", mount("/proc", "dir/proc", NULL, MS_BIND | MS_REC, NULL));
		CALL("mount", mount("none", "dir/new", "tmpfs", 0, NULL));
		CALL("chroot", chroot("dir"));
		chdir("/new");
		mkdir("old", 0755);
		mkdir("proc", 0755);
		CALL("pivot_root", pivot_root(".", "old"));
		chdir("/");
		FACT("the old root is at %s", access("/old/hidden", F_OK) == 0 ? "/old" : "another place");
		CALL("umount a part of the old root", umount("/old/hidden"));
		pid_t p;
		CALL("a pid namespace", unshare(CLONE_NEWPID));
		CHILD(p)
		{
			FACT("pid %d", getpid());
			CALL("proc", mount("proc", "/proc", "proc", 0, NULL));
			FACT("uid %s", line_of(get_file("/proc/self/status"), "Uid:"));
			owner("/proc/1/status");
			owner("/proc/version");
		}
		ENDED("first process", p);
		CALL("umount the old root", umount2("/old", MNT_DETACH));
		FACT("what is left: %s", access("/old/proc", F_OK) == 0 ? "the old root" : "nothing of the old root");
		CALL("make it read-only", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
		CALL("write", mkdir("/x", 0755));
		CALL("chroot", chroot("/old"));
		CALL("user namespace", unshare(CLONE_NEWUSER));
	}
	gate_wait(ready);
	options("/sub");
	MUST(mount("none", "shared/sub", "tmpfs", 0, NULL));
	gate_open(go);
	ENDED("child", pid);

	FACT("--- without maps");
	CHILD(pid)
	{
		MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS));
		CALL("devpts", mount("none", "flags", "devpts", 0, NULL));
		CALL("tmpfs", mount("none", "flags", "tmpfs", 0, NULL));
		owner("flags");
		CALL("mkdir", mkdir("flags/x", 0755));
		CALL("open", open("flags/y", O_CREAT | O_WRONLY, 0644));
		CALL("chown", chown("flags", 0, -1));
		CALL("chmod", chmod("flags", 0700));
	}
	REAP(pid);
	FACT("--- proc needs one of which nothing is hidden");
	CHILD(pid)
	{
		MUST(unshare(CLONE_NEWNS));
		MUST(mount("none", "/proc/sys/fs/binfmt_misc", "tmpfs", 0, NULL));
		pid_t p;
		CHILD(p)
		{
			MUST(setresgid(1000, 1000, 1000));
			MUST(setresuid(1000, 1000, 1000));
			prctl(PR_SET_DUMPABLE, 1);
			enter(CLONE_NEWNS | CLONE_NEWPID);
			mkdir("dir", 0755);
			CHILD(p)
			{
				CALL("with a covered directory that is always empty", mount("proc", "dir", "proc", 0, NULL));
			}
			REAP(p);
		}
		REAP(p);
		MUST(mount("none", "/proc/sys", "tmpfs", 0, NULL));
		MUST(setresgid(1000, 1000, 1000));
		MUST(setresuid(1000, 1000, 1000));
		prctl(PR_SET_DUMPABLE, 1);
		enter(CLONE_NEWNS | CLONE_NEWPID);
		mkdir("dir", 0755);
		CHILD(p)
		{
			CALL("with a covered part", mount("proc", "dir", "proc", 0, NULL));
		}
		REAP(p);
	}
	REAP(pid);
}
