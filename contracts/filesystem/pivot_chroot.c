// pivot_root(2), chroot(2): a new root, the old one below it, .. at the root, descriptors that lead out, getcwd outside.
#include "contract.h"

int main(void)
{
	mkdir("root", 0755);
	mkdir("root/dir", 0755);
	mkdir("root/old", 0755);
	mkdir("outside", 0755);
	int out = open("outside", O_RDONLY);
	char b[PATH_MAX];
	pid_t pid;
	CHILD(pid)
	{
		chdir("root/dir");
		CALL("chroot", chroot(".."));
		CALL("getcwd", syscall(SYS_getcwd, b, sizeof b) > 0);
		FACT("'%s'", b);
		chdir("/../..");
		syscall(SYS_getcwd, b, sizeof b);
		FACT(".. stays at the root: '%s'", b);
		IS("the same", access("/dir", F_OK) == 0 && access("/../../dir", F_OK) == 0);
		CALL("the old root is not seen", access("/proc", F_OK));
		CALL("a descriptor leads out", fchdir(out));
		syscall(SYS_getcwd, b, sizeof b);
		FACT("getcwd outside: %.13s", b);
		CALL("and .. from there goes up", access("../root", F_OK));
		CALL("absolute names stay inside", access("/outside", F_OK));
		CALL("chroot to a file", ({ put_file("/file", ""); chroot("/file"); }));
		CALL("to nothing", chroot("/nothing"));
		setuid(1000);
		CALL("by a user", chroot("/"));
	}
	REAP(pid);
	CHILD(pid)
	{
		unshare(CLONE_NEWNS);
		MUST(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
		CALL("pivot_root to no mount", syscall(SYS_pivot_root, "root", "root/old"));
		mkdir("new", 0755);
		MUST(mount("none", "new", "tmpfs", 0, NULL));
		mkdir("new/old", 0755);
		mkdir("new/in", 0755);
		CALL("away from the first root file system", syscall(SYS_pivot_root, "new", "new/old"));
		CALL("chroot to it and a mount in it", chroot("new"));
		mkdir("/r", 0755);
		MUST(mount("none", "/r", "tmpfs", 0, NULL));
		mkdir("/r/old", 0755);
		chdir("/in");
		CALL("pivot_root inside", syscall(SYS_pivot_root, "/r", "/r/old"));
		IS("the new root has the old below it", access("/old/in", F_OK) == 0);
		syscall(SYS_getcwd, b, sizeof b);
		FACT("the working directory stays: '%s'", b);
		CALL("the old goes", umount2("/old", MNT_DETACH));
		CALL("it is gone", access("/old/in", F_OK));
		CALL("put_old not below the new root", syscall(SYS_pivot_root, "/", "/old"));
	}
	ENDED("child", pid);
	CALL("by the parent: unchanged", access("/proc/self", F_OK));
}
