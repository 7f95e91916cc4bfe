// ptrace(2): PTRACE_SYSCALL stops at both ends of a system call; the tracer sees what call it is, and may make it another or
// none, and change its result.
#include "contract.h"
#include "ptrace.h"

static void info(const char *name, pid_t pid)
{
	struct call_info i;
	memset(&i, 0xee, sizeof i);
	long n = trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof i, (long)&i);
	regs_t r = get_regs(pid);
	bool same = i.arch == ARCH && i.pc == r.REG_PC && i.sp == r.REG_SP;
	if (i.op == 1)
		FACT("%s: %ld bytes, entry of %s, arguments %#lx %#lx, rest right: %d", name, n, i.entry.nr == SYS_getpgid ? "getpgid" : "another",
		     (long)i.entry.args[0], (long)i.entry.args[1], same);
	else if (i.op == 2)
		FACT("%s: %ld bytes, exit with %ld, failed %d, rest right: %d", name, n, (long)i.exit.result, i.exit.failed, same);
	else
		FACT("%s: %ld bytes, op %d, rest right: %d", name, n, i.op, same);
}

// ends lets the child go on to the other end of a call.
static void ends(pid_t pid)
{
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	quiet(pid);
}

int main(void)
{
	pid_t pid;
	int go[2];
	MUST(pipe(go));
	TRACED(pid)
	{
		long r[6];
		r[0] = syscall(SYS_getpgid, 0x7fffffff, 0x22); // seen as it is
		r[1] = syscall(SYS_getpgid, -5);               // becomes getppid
		r[2] = syscall(SYS_getpgid, 0x7fffffff);       // not made
		r[3] = syscall(SYS_getpgid, 0x7fffffff);       // the result changes
		r[4] = syscall(SYS_getpgid, 0x7fffffff);       // an argument changes
		errno = 0;
		r[5] = syscall(4321); // no call
		FACT("failed %d, parent %d, not made %ld, changed %ld, own %d, none %s", r[0] == -1, r[1] == getppid(), r[2], r[3], r[4] == getpgid(0), errno_name(errno));
		char c;
		read(go[0], &c, 1);
	}
	quiet(pid);
	info("in a signal's stop", pid);
	ends(pid);
	ends(pid); // of what raise does after the signal
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	int s = quiet(pid);
	FACT("without PTRACE_O_TRACESYSGOOD: %s", stop_text(s));
	CALL("PTRACE_O_TRACESYSGOOD", trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
	FACT("call is getpgid: %d, argument %#lx", get_call(pid) == SYS_getpgid, (long)get_regs(pid).REG_ARG0);
	siginfo_t si;
	MUST(trace(PTRACE_GETSIGINFO, pid, 0, (long)&si));
	FACT("%s, code %d, from itself: %d", signal_name(si.si_signo), si.si_code, si.si_pid == pid);
	FACT("message %lu", message(pid));
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	NEXT("exit", pid);
	info("exit", pid);
	FACT("message %lu", message(pid));
	FACT("call is getpgid still: %d", get_call(pid) == SYS_getpgid);

	ends(pid);
	info("entry", pid);
	set_call(pid, SYS_getppid);
	ends(pid);

	ends(pid);
	set_call(pid, -1);
#ifndef __x86_64__
	regs_t none = get_regs(pid);
	none.REG_RESULT = -ENOSYS;
	set_regs(pid, none);
#endif
	ends(pid);
	info("not made", pid);
	regs_t r = get_regs(pid);
	r.REG_RESULT = 77;
	set_regs(pid, r);

	ends(pid);
	ends(pid);
	r = get_regs(pid);
	r.REG_RESULT = 1234;
	set_regs(pid, r);

	ends(pid);
	r = get_regs(pid);
	r.REG_ARG0 = 0;
	set_regs(pid, r);
	ends(pid);

	ends(pid);
	ends(pid);
	struct call_info part;
	memset(&part, 0xee, sizeof part);
	CALL("a short structure", trace(PTRACE_GET_SYSCALL_INFO, pid, 4, (long)&part));
	FACT("no more is written: %d", part.arch == 0xeeeeeeee && part.op == 2);
	MUST(trace(PTRACE_CONT, pid, 0, 0));

	// A read is interrupted, shows that, and goes on.
	asleep(pid);
	kill(pid, SIGURG);
	NEXT("a signal", pid);
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	NEXT("the read again", pid);
	FACT("it is read: %d, its argument is: %d", get_call(pid) == SYS_read, (int)get_regs(pid).REG_ARG0 == go[0]);
	MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
	asleep(pid);
	kill(pid, SIGURG);
	NEXT("interrupted", pid);
	info("interrupted", pid);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	NEXT("the signal", pid);
	MUST(trace(PTRACE_CONT, pid, 0, SIGURG));
	asleep(pid);
	MUST(write(go[1], "x", 1));
	NEXT("the end", pid);
}
