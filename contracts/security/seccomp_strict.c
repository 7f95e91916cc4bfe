// seccomp(2), prctl(2): strict mode: read, write and _exit only; anything else kills.
#include "contract.h"
#include <linux/seccomp.h>

static void child(const char *name, int what)
{
	int p[2];
	pipe(p);
	pid_t pid;
	CHILD(pid)
	{
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
			_exit(50);
		char c = 'x';
		write(p[1], &c, 1);
		read(p[0], &c, 1);
		if (what == 1)
			syscall(SYS_getpid);
		else if (what == 2)
			syscall(SYS_exit_group, 3);
		else if (what == 3)
			syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY);
		else if (what == 4)
			syscall(9999);
		syscall(SYS_exit, 7);
	}
	ENDED(name, pid);
}

int main(void)
{
	CALL("mode at first", prctl(PR_GET_SECCOMP));
	child("read, write, exit", 0);
	child("getpid", 1);
	child("exit_group", 2);
	child("openat", 3);
	child("no call at all", 4);
	CALL("a bad mode", prctl(PR_SET_SECCOMP, 77));
	CALL("seccomp: a bad operation", syscall(SYS_seccomp, 99, 0, NULL));
	CALL("seccomp: strict with flags", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
	CALL("filter without a program", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL));
	unsigned action = SECCOMP_RET_ERRNO;
	CALL("SECCOMP_GET_ACTION_AVAIL", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	action = 0x12340000;
	CALL("an unknown action", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	FACT("%s", line_of(get_file("/proc/self/status"), "Seccomp:"));
}
