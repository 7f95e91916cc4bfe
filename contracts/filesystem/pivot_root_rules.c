// pivot_root(2), chroot(2): a new root for everybody, what may be one, and moving over "/" as switch_root does.
#include "contract.h"

static long pivot(const char *to, const char *put) { return syscall(SYS_pivot_root, to, put); }

int main(void)
{
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir("old", 0755);
	CALL("the first root cannot move", pivot(".", "old"));
	mkdir("top", 0755);
	MUST(mount("top", "top", "tmpfs", 0, NULL));
	MUST(chdir("top"));
	CALL("over the root", mount(".", "/", NULL, MS_MOVE, NULL));
	CALL("chroot", chroot("."));
	CALL("chdir", chdir("/"));
	put_file("mark", "first");
	mkdir("new", 0755);
	CALL("not a mount", pivot("new", "new"));
	MUST(mount("new", "new", "tmpfs", 0, NULL));
	mkdir("new/put", 0755);
	put_file("new/mark", "second");
	put_file("new/file", "");
	CALL("put outside", pivot("new", "/"));
	CALL("put is a file", pivot("new", "new/file"));
	CALL("missing", pivot("new", "new/missing"));
	mkdir("new/sub", 0755);
	CALL("not its root", pivot("new/sub", "new/put"));
	int ready[2];
	MUST(pipe(ready));
	pid_t other;
	CHILD(other) {
		char c;
		close(ready[1]);
		read(ready[0], &c, 1);
		FACT("the other's root has '%s'", get_file("/mark"));
		FACT("its directory '%s'", get_file("mark"));
		_exit(0);
	}
	close(ready[0]);
	CALL("pivot", pivot("new", "new/put"));
	FACT("root has '%s'", get_file("/mark"));
	FACT("below '%s'", get_file("/put/mark"));
	char cwd[64];
	getcwd(cwd, sizeof cwd);
	FACT("directory '%s'", cwd);
	close(ready[1]);
	ENDED("other", other);
	CALL("umount of the old", umount("/put"));
	CALL("lazily", umount2("/put", MNT_DETACH));
	FACT("entries %d", access("/put/mark", F_OK) == 0);
	MUST(setresuid(1, 1, 1));
	CALL("as a user", pivot("/", "/put"));
	CALL("chroot as a user", chroot("/"));
	CALL("chroot to nothing", chroot("/missing"));
	CALL("mount as a user", mount("x", "/put", "tmpfs", 0, NULL));
	CALL("umount as a user", umount("/put"));
}
