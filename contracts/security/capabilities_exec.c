// capabilities(7): execve's transformation: root's, ambient, bounding, inheritable, SECBIT_NOROOT.
#include "contract.h"
#include <linux/capability.h>
#include <linux/securebits.h>

static struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
static struct __user_cap_data_struct d[2];
static void load(void) { syscall(SYS_capget, &h, d); }
static void again(const char *name)
{
	execl("/proc/self/exe", "x", name, NULL);
	_exit(98);
}
static void keep(unsigned permitted, unsigned inheritable)
{
	load();
	d[0].effective = d[0].permitted = permitted;
	d[0].inheritable = inheritable;
	d[1] = (struct __user_cap_data_struct){ 0 };
	MUST(syscall(SYS_capset, &h, d));
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		load();
		char *t = get_file("/proc/self/status");
		FACT("%s: effective %x permitted %x inheritable %x ambient %s bounding %s", argv[1], d[0].effective, d[0].permitted,
		     d[0].inheritable, line_of(t, "CapAmb:"), line_of(t, "CapBnd:"));
		return 0;
	}
	unsigned two = 1 << CAP_KILL | 1 << CAP_CHOWN;
	pid_t pid;
	CHILD(pid)
	{
		keep(two, 0);
		again("root regains all");
	}
	REAP(pid);
	CHILD(pid)
	{
		CALL("drop from bounding", prctl(PR_CAPBSET_DROP, CAP_KILL));
		again("but what the bounding set lacks");
	}
	REAP(pid);
	CHILD(pid)
	{
		prctl(PR_SET_SECUREBITS, SECBIT_NOROOT);
		keep(two, 0);
		again("SECBIT_NOROOT: nothing");
	}
	REAP(pid);
	CHILD(pid)
	{
		prctl(PR_SET_KEEPCAPS, 1);
		setresuid(1000, 1000, 1000);
		keep(two, two);
		again("a user: inheritable alone gives nothing");
	}
	REAP(pid);
	CHILD(pid)
	{
		prctl(PR_SET_KEEPCAPS, 1);
		setresuid(1000, 1000, 1000);
		keep(two, 1 << CAP_KILL);
		CALL("ambient needs inheritable", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
		CALL("raise", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
		CALL("is set", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
		CALL("keepcaps is cleared by exec", prctl(PR_GET_KEEPCAPS));
		again("ambient survives");
	}
	REAP(pid);
	CHILD(pid)
	{
		prctl(PR_SET_KEEPCAPS, 1);
		setresuid(1000, 1000, 1000);
		keep(two, two);
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
		CALL("clear all", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
		CALL("is set", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
		keep(two, 0);
		CALL("dropping inheritable drops ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
		CALL("a bad capability", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 99, 0, 0));
	}
	REAP(pid);
}
