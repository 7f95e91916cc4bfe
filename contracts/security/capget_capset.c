// capabilities(7), capget(2), capset(2): versions, sets of root and of a user, lowering, raising, other processes.
#include "contract.h"
#include <linux/capability.h>

static struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
static struct __user_cap_data_struct d[2];
static void show(const char *name)
{
	h = (struct __user_cap_header_struct){ _LINUX_CAPABILITY_VERSION_3, 0 };
	memset(d, 0, sizeof d);
	syscall(SYS_capget, &h, d);
	FACT("%s: effective %x%08x permitted %x%08x inheritable %x%08x", name, d[1].effective, d[0].effective, d[1].permitted,
	     d[0].permitted, d[1].inheritable, d[0].inheritable);
}

int main(void)
{
	show("root");
	h.version = 0x12345678;
	CALL("an unknown version", syscall(SYS_capget, &h, d));
	FACT("is answered with %#x", h.version);
	h.version = 0;
	CALL("asking for it", syscall(SYS_capget, &h, NULL));
	h.version = _LINUX_CAPABILITY_VERSION_1;
	CALL("version 1", syscall(SYS_capget, &h, d));
	FACT("%x", d[0].effective);
	h.pid = 99999;
	h.version = _LINUX_CAPABILITY_VERSION_3;
	CALL("no such process", syscall(SYS_capget, &h, d));
	h.pid = 1;
	CALL("init's", syscall(SYS_capget, &h, d));
	CALL("set another's", syscall(SYS_capset, &h, d));
	h.pid = -1;
	CALL("negative", syscall(SYS_capget, &h, d));
	pid_t pid;
	CHILD(pid)
	{
		show("child");
		d[0].effective &= ~(1 << CAP_CHOWN);
		CALL("lower the effective", syscall(SYS_capset, &h, d));
		put_file("f", "");
		CALL("chown", chown("f", 5, 5));
		d[0].effective |= 1 << CAP_CHOWN;
		CALL("raise it again", syscall(SYS_capset, &h, d));
		CALL("chown", chown("f", 5, 5));
		d[0].permitted &= ~(1 << CAP_CHOWN);
		CALL("effective above permitted", syscall(SYS_capset, &h, d));
		d[0].effective &= ~(1 << CAP_CHOWN);
		CALL("drop both", syscall(SYS_capset, &h, d));
		d[0].permitted |= 1 << CAP_CHOWN;
		CALL("raise the permitted", syscall(SYS_capset, &h, d));
		d[0].permitted &= ~(1 << CAP_CHOWN);
		d[0].inheritable = 1 << CAP_KILL;
		CALL("inheritable", syscall(SYS_capset, &h, d));
		show("now");
		MUST(setuid(1000));
		show("after setuid");
		d[0].effective = 1;
		CALL("a user raises", syscall(SYS_capset, &h, d));
	}
	REAP(pid);
}
