// ptrace(2): PTRACE_O_TRACEFORK and its like, each with its message, and the tracing of what is made.
#include "contract.h"
#include "ptrace.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

enum { ALL = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESECCOMP };

static void go(pid_t pid) { MUST(trace(PTRACE_CONT, pid, 0, 0)); }

static void *thread(void *arg UNUSED) { return NULL; }

static void filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 0x1234),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { COUNT_OF(code), code };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

// made is the child that an event is about: it stops first.
static void made(const char *name, pid_t pid)
{
	pid_t c = message(pid);
	NEXT(name, c);
	FACT("%s is traced: %d", name, tracer(c) == getpid());
	go(c);
	NEXT(name, c);
	FACT("%s exits with message %#lx", name, message(c));
	go(c);
	NEXT(name, c);
}

static void tracee(void)
{
	int s;
	pid_t c = fork();
	if (c == 0)
		_exit(11);
	waitpid(c, &s, 0);
	c = syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0); // vfork(2) without sharing memory
	if (c == 0)
		_exit(12);
	waitpid(c, &s, 0);
	JOIN(THREAD(thread, NULL));
	pid_t group = getpgrp();
	filter();
	errno = 0;
	long r = syscall(SYS_getpgid, 0);
	FACT("the filtered call is made: %d", r == group);
	r = syscall(SYS_getpgid, 0);
	FACT("and not made: %ld", r);
	raise(SIGUSR1);
	r = syscall(SYS_getpgid, 0);
	FACT("without PTRACE_O_TRACESECCOMP: %ld %s", r, errno_name(errno));
	execl("/proc/self/exe", "tracee", "exec", NULL);
}

static void run(bool seize)
{
	pid_t pid;
	FACT("-- %s", seize ? "PTRACE_SEIZE" : "PTRACE_TRACEME");
	CHILD(pid)
	{
		if (!seize)
			trace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		signal(SIGCHLD, SIG_DFL);
		tracee();
	}
	if (seize) {
		MUST(waitpid(pid, NULL, WUNTRACED));
		CALL("PTRACE_SEIZE", trace(PTRACE_SEIZE, pid, 0, ALL));
		NEXT("stopped before", pid);
		kill(pid, SIGCONT);
		go(pid);
		NEXT("SIGCONT is told", pid);
		go(pid);
		NEXT("SIGCONT", pid);
		go(pid);
	} else {
		quiet(pid);
		CALL("options", trace(PTRACE_SETOPTIONS, pid, 0, ALL));
		go(pid);
	}
	NEXT("fork", pid);
	made("child", pid);
	go(pid);
	NEXT("its SIGCHLD", pid);
	go(pid);
	NEXT("vfork", pid);
	pid_t c = message(pid);
	go(pid);
	NEXT("child", c);
	go(c);
	NEXT("child", c);
	go(c);
	NEXT("child", c);
	int s[2] = { quiet(pid), 0 };
	int done = s[0] >> 16 ? 0 : 1; // its end and SIGCHLD come in either order
	unsigned long m = done == 0 ? message(pid) : 0;
	go(pid);
	s[1] = quiet(pid);
	if (done == 1)
		m = message(pid);
	FACT("vfork done: %s", stop_text(s[done]));
	FACT("and: %s", stop_text(s[!done]));
	FACT("message is the child: %d", m == (unsigned long)c);
	go(pid);
	NEXT("clone", pid);
	c = message(pid);
	go(pid);
	NEXT("thread", c);
	go(c);
	NEXT("thread", c);
	go(c);
	NEXT("thread", c);
	NEXT("seccomp", pid);
	FACT("message %#lx, call is getpgid: %d", message(pid), get_call(pid) == SYS_getpgid);
	struct call_info i;
	long n = trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof i, (long)&i);
	FACT("%ld bytes, op %d, data %#x", n, i.op, i.entry.data);
	go(pid);
	NEXT("seccomp", pid);
	set_call(pid, -1);
	regs_t r = get_regs(pid);
	r.REG_RESULT = 55;
	set_regs(pid, r);
	go(pid);
	NEXT("a signal", pid);
	MUST(trace(PTRACE_SETOPTIONS, pid, 0, ALL & ~PTRACE_O_TRACESECCOMP));
	go(pid);
	NEXT("exec", pid);
	FACT("message is its ID: %d", message(pid) == (unsigned long)pid);
	go(pid);
	NEXT("exit", pid);
	FACT("message %#lx", message(pid));
	go(pid);
	NEXT("the end", pid);
}

int main(int argc, char **argv UNUSED)
{
	if (argc > 1)
		return 13;
	run(false);
	run(true);

	pid_t pid;
	TRACED(pid)
	{
		execl("/proc/self/exe", "tracee", "exec", NULL);
	}
	quiet(pid);
	go(pid);
	NEXT("exec without options", pid);
	siginfo_t i;
	MUST(trace(PTRACE_GETSIGINFO, pid, 0, (long)&i));
	FACT("code %d, from itself: %d", i.si_code, i.si_pid == pid);
	MUST(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT));
	go(pid);
	NEXT("exit", pid);
	kill(pid, SIGKILL); // comes too late
	CALL("SIGKILL", waitpid(pid, NULL, WNOHANG));
	go(pid);
	NEXT("the end", pid);
}
