// proc(5), namespaces(7): /proc/self/ns: names, links, the same for parent and child, another after unshare.
#include "contract.h"

static char *ns(const char *who, const char *name)
{
	char path[64];
	char *text = calloc(1, 64);
	snprintf(path, sizeof path, "/proc/%s/ns/%s", who, name);
	if (readlink(path, text, 63) == -1)
		strcpy(text, errno_name(errno));
	return text;
}

int main(void)
{
	const char *names[] = { "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts" };
	for (int i = 0; i < COUNT_OF(names); i++) {
		char *t = ns("self", names[i]);
		FACT("%s: %.*s, a number %d", names[i], (int)strcspn(t, "["), t, strlen(t) > 8 && t[strlen(t) - 1] == ']');
	}
	char init[16] = "1";
	IS("the same as init's", strcmp(ns("self", "uts"), ns(init, "uts")) == 0);
	struct stat a, b;
	stat("/proc/self/ns/uts", &a);
	stat("/proc/1/ns/uts", &b);
	IS("one inode", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	FACT("mode %o", a.st_mode);
	pid_t pid;
	CHILD(pid)
	{
		int old = MUST(open("/proc/self/ns/uts", O_RDONLY));
		char *before = ns("self", "uts");
		CALL("unshare", unshare(CLONE_NEWUTS));
		IS("another now", strcmp(before, ns("self", "uts")) != 0);
		IS("the others stay", strcmp(ns("self", "ipc"), ns(init, "ipc")) == 0);
		sethostname("inner", 5);
		CALL("setns", setns(old, CLONE_NEWUTS));
		IS("back", strcmp(before, ns("self", "uts")) == 0);
		struct utsname u;
		uname(&u);
		FACT("host name %s", u.nodename);
		CALL("setns with the wrong kind", setns(old, CLONE_NEWIPC));
		CALL("setns with any kind", setns(old, 0));
		CALL("setns with no namespace", setns(0, 0));
		CALL("NS_GET_NSTYPE", ioctl(old, 0xb703));
	}
	REAP(pid);
	CHILD(pid)
	{
		int fd = MUST(open("/proc/self/ns/uts", O_RDONLY));
		setuid(1000);
		CALL("setns as a user", setns(fd, CLONE_NEWUTS));
	}
	REAP(pid);
}
