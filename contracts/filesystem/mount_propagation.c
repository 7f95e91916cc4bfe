// mount_namespaces(7): shared, slave, private and unbindable mounts; namespaces.
#include "contract.h"

static int has(const char *path) { return access(path, F_OK) == 0; }

int main(void)
{
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir("s", 0755), mkdir("peer", 0755), mkdir("slave", 0755), mkdir("private", 0755);
	MUST(mount("x", "s", "tmpfs", 0, NULL));
	mkdir("s/m", 0755), mkdir("s/n", 0755);
	CALL("shared, of no mount", mount(NULL, "s/m", NULL, MS_SHARED, NULL));
	CALL("two kinds at once", mount(NULL, "s", NULL, MS_SHARED | MS_SLAVE, NULL));
	CALL("with another flag", mount(NULL, "s", NULL, MS_SHARED | MS_NOSUID, NULL));
	CALL("shared", mount(NULL, "s", NULL, MS_SHARED, NULL));
	mount("s", "peer", NULL, MS_BIND, NULL);
	mount("s", "slave", NULL, MS_BIND, NULL);
	mount("s", "private", NULL, MS_BIND, NULL);
	CALL("slave", mount(NULL, "slave", NULL, MS_SLAVE, NULL));
	CALL("private", mount(NULL, "private", NULL, MS_PRIVATE, NULL));
	MUST(mount("y", "s/m", "tmpfs", 0, NULL));
	put_file("s/m/f", "");
	FACT("mounted: peer %d slave %d private %d", has("peer/m/f"), has("slave/m/f"), has("private/m/f"));
	MUST(mount("z", "slave/n", "tmpfs", 0, NULL));
	put_file("slave/n/f", "");
	FACT("in the slave: itself %d master %d peer %d", has("slave/n/f"), has("s/n/f"), has("peer/n/f"));
	CALL("umount at the peer", umount("peer/m"));
	FACT("gone: shared %d slave %d", !has("s/m/f"), !has("slave/m/f"));
	CALL("move out of a shared mount", mount("s/n", "s/m", NULL, MS_MOVE, NULL));
	pid_t c;
	CHILD(c) {
		MUST(unshare(CLONE_NEWNS));
		MUST(mount("w", "s/m", "tmpfs", 0, NULL));
		put_file("s/m/g", "");
		MUST(mount("v", "private/m", "tmpfs", 0, NULL));
		put_file("private/m/g", "");
		_exit(0);
	}
	ENDED("child", c);
	FACT("from another namespace: shared %d private %d", has("s/m/g"), has("private/m/g"));
	CALL("unbindable", mount(NULL, "private", NULL, MS_UNBINDABLE, NULL));
	mkdir("q", 0755);
	CALL("bind of it", mount("private", "q", NULL, MS_BIND, NULL));
	CALL("umount of the slave's own", umount("slave/n"));
	mkdir("tree", 0755), mkdir("tree2", 0755);
	MUST(mount("t", "tree", "tmpfs", 0, NULL));
	mkdir("tree/u", 0755), mkdir("tree/v", 0755);
	mount("u", "tree/u", "tmpfs", 0, NULL), mount("v", "tree/v", "tmpfs", 0, NULL);
	put_file("tree/u/f", ""), put_file("tree/v/f", "");
	mount(NULL, "tree/u", NULL, MS_UNBINDABLE, NULL);
	CALL("recursive bind leaves the unbindable", mount("tree", "tree2", NULL, MS_BIND | MS_REC, NULL));
	FACT("unbindable %d other %d", has("tree2/u/f"), has("tree2/v/f"));
}
