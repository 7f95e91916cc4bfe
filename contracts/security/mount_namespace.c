// mount_namespaces(7): mounts of one's own, propagation from private and shared, chroot, rights.
#include "contract.h"

static bool there(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

int main(void)
{
	mkdir("d", 0755);
	mkdir("shared", 0755);
	struct gate mounted = gate_new(), checked = gate_new();
	pid_t pid;
	CHILD(pid)
	{
		CALL("unshare", unshare(CLONE_NEWNS));
		CALL("private", mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
		CALL("mount", mount("none", "d", "tmpfs", 0, NULL));
		put_file("d/inside", "");
		gate_open(mounted);
		gate_wait(checked);
		IS("a mount outside does not appear", there("shared/new"));
	}
	gate_wait(mounted);
	IS("the mount is not seen outside", there("d/inside"));
	MUST(mount("none", "shared", "tmpfs", 0, NULL));
	put_file("shared/new", "");
	gate_open(checked);
	ENDED("child", pid);
	umount("shared");
	CALL("a mount of its own", mount("none", "shared", "tmpfs", 0, NULL));
	CALL("made shared", mount("none", "shared", NULL, MS_SHARED, NULL));
	mkdir("shared/sub", 0755);
	CHILD(pid)
	{
		unshare(CLONE_NEWNS);
		mount("none", "shared/sub", "tmpfs", 0, NULL);
		put_file("shared/sub/propagated", "");
		gate_open(mounted);
		gate_wait(checked);
		IS("an unmount propagates back", there("shared/sub/propagated"));
	}
	gate_wait(mounted);
	IS("shared: seen outside", there("shared/sub/propagated"));
	CALL("umount outside", umount("shared/sub"));
	gate_open(checked);
	REAP(pid);
	CHILD(pid)
	{
		unshare(CLONE_NEWNS);
		CALL("slave", mount("none", "shared", NULL, MS_SLAVE, NULL));
		mount("none", "shared/sub", "tmpfs", 0, NULL);
		put_file("shared/sub/slave", "");
		gate_open(mounted);
		gate_wait(checked);
	}
	gate_wait(mounted);
	IS("slave: not seen outside", there("shared/sub/slave"));
	gate_open(checked);
	REAP(pid);
	umount("shared");
	CHILD(pid)
	{
		setuid(1000);
		CALL("a user: unshare", unshare(CLONE_NEWNS));
		CALL("mount", mount("none", "d", "tmpfs", 0, NULL));
		CALL("umount", umount("/proc"));
	}
	REAP(pid);
	CALL("CLONE_NEWNS with CLONE_FS", syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
}
