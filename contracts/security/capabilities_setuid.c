// capabilities(7): what changes of user ids do to the sets; PR_SET_KEEPCAPS; securebits.
#include "contract.h"
#include <linux/capability.h>
#include <linux/securebits.h>

static void show(const char *name)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	syscall(SYS_capget, &h, d);
	FACT("%s: effective %d permitted %d", name, d[0].effective != 0, d[0].permitted != 0);
}

int main(void)
{
	pid_t pid;
	CHILD(pid)
	{
		seteuid(1000);
		show("effective id 1000");
		seteuid(0);
		show("and back");
		setresuid(1000, 1000, 0);
		show("saved id 0");
		setresuid(1000, 0, 0);
		show("effective id 0 again");
		setresuid(1000, 1000, 1000);
		show("all 1000");
	}
	REAP(pid);
	CHILD(pid)
	{
		CALL("PR_SET_KEEPCAPS", prctl(PR_SET_KEEPCAPS, 1));
		setresuid(1000, 1000, 1000);
		show("kept");
		CALL("setuid needs the effective", setuid(0));
		CALL("PR_GET_KEEPCAPS", prctl(PR_GET_KEEPCAPS));
	}
	REAP(pid);
	CHILD(pid)
	{
		CALL("PR_GET_SECUREBITS", prctl(PR_GET_SECUREBITS));
		CALL("no setuid fixup", prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
		setresuid(1000, 1000, 1000);
		show("no fixup");
		CALL("mount still works", mount("none", "/tmp/contracts", "nothing", 0, NULL));
		CALL("lock", prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED));
		CALL("unset the locked", prctl(PR_SET_SECUREBITS, 0));
		CALL("an unknown bit", prctl(PR_SET_SECUREBITS, 1 << 12));
		CALL("PR_GET_SECUREBITS", prctl(PR_GET_SECUREBITS));
	}
	REAP(pid);
	CHILD(pid)
	{
		setresuid(1000, 1000, 1000);
		CALL("a user: PR_SET_SECUREBITS", prctl(PR_SET_SECUREBITS, SECBIT_NOROOT));
		CALL("PR_CAPBSET_READ", prctl(PR_CAPBSET_READ, CAP_KILL));
		CALL("PR_CAPBSET_DROP", prctl(PR_CAPBSET_DROP, CAP_KILL));
		CALL("PR_CAPBSET_READ of no capability", prctl(PR_CAPBSET_READ, 64));
	}
	REAP(pid);
}
