// seccomp(2): filters: errors, kills, traps, arguments, inheritance over fork and exec, several filters, no_new_privs.
#include "contract.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
static int filter(int nr, unsigned action)
{
	struct sock_filter code[] = { LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog prog = { COUNT_OF(code), code };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}
static volatile int trap_code, trap_nr, trap_errno;
static void trapped(int sig, siginfo_t *info, void *context)
{
	trap_code = info->si_code;
	trap_nr = info->si_syscall;
	trap_errno = info->si_errno;
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		CALL("after exec: getppid", syscall(SYS_getppid));
		return 0;
	}
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		CALL("a user without no_new_privs", filter(SYS_getppid, SECCOMP_RET_ERRNO | 5));
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		CALL("with", filter(SYS_getppid, SECCOMP_RET_ERRNO | ENOTTY));
		CALL("getppid", syscall(SYS_getppid));
		CALL("mode", prctl(PR_GET_SECCOMP));
		CHILD(pid) { CALL("in a child", syscall(SYS_getppid)); }
		REAP(pid);
		CALL("a second filter", filter(SYS_getppid, SECCOMP_RET_ALLOW));
		CALL("the stricter wins", syscall(SYS_getppid));
		filter(SYS_getppid, SECCOMP_RET_ERRNO | 0);
		FACT("errno 0 is success: %ld", syscall(SYS_getppid));
		execl("/proc/self/exe", "x", "1", NULL);
	}
	REAP(pid);
	CHILD(pid)
	{
		filter(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
		syscall(SYS_getppid);
	}
	ENDED("kill", pid);
	CHILD(pid)
	{
		struct sigaction sa = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO };
		sigaction(SIGSYS, &sa, NULL);
		filter(SYS_getppid, SECCOMP_RET_TRAP | 33);
		syscall(SYS_getppid);
		FACT("trap: code %d, the call %d, data %d", trap_code == 1, trap_nr == SYS_getppid, trap_errno);
		signal(SIGSYS, SIG_IGN);
		syscall(SYS_getppid);
	}
	ENDED("a trap ignored", pid);
	CHILD(pid)
	{
		struct sock_filter code[] = { LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_dup, 0, 3), LOAD(args[0]),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
		struct sock_fprog prog = { COUNT_OF(code), code };
		CALL("a filter by argument", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));
		OK("dup(0)", dup(0));
		OK("dup(1)", dup(1));
		code[5].code = 0xff;
		CALL("a bad instruction", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));
		prog.len = 0;
		CALL("no instruction", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));
	}
	REAP(pid);
}
