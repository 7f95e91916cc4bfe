// What contracts about ptrace(2) share: waiting for a traced thread's stops, their names, and the few registers that every
// architecture has.
#ifndef PTRACE_H
#define PTRACE_H
#include <elf.h>
#include <linux/audit.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#ifndef PTRACE_GET_SYSCALL_INFO
#define PTRACE_GET_SYSCALL_INFO 0x420e
#endif
#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif
#ifndef __WALL
#define __WALL 0x40000000
#endif

// trace is the system call: the C library's function keeps the result of some requests back.
static long trace(long request, pid_t pid, unsigned long addr, unsigned long data)
{
	return syscall(SYS_ptrace, request, pid, addr, data);
}

static const char *event_name(int event)
{
	static const char *names[] = { "", "FORK", "VFORK", "CLONE", "EXEC", "VFORK_DONE", "EXIT", "SECCOMP" };
	return event == PTRACE_EVENT_STOP ? "STOP" : event < COUNT_OF(names) ? names[event] : "?";
}

// stop_text says what a wait status tells.
static const char *stop_text(int status)
{
	static char text[80];
	int sig = WSTOPSIG(status) & 0x7f, event = status >> 16;
	if (WIFEXITED(status))
		sprintf(text, "exited %d", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		sprintf(text, "killed by %s", signal_name(WTERMSIG(status)));
	else if (event != 0)
		sprintf(text, "%s with event %s", signal_name(sig), event_name(event));
	else if (WSTOPSIG(status) & 0x80)
		sprintf(text, "system call (%s)", signal_name(sig));
	else
		sprintf(text, "stopped by %s", signal_name(sig));
	return text;
}

// NEXT waits for the next that happens to a traced thread, and prints it.
static int NEXT(const char *name, pid_t pid)
{
	int status = -1;
	pid_t got;
	while ((got = waitpid(pid, &status, __WALL)) == -1 && errno == EINTR)
		;
	if (got == -1)
		FACT("%s: wait: %s", name, errno_name(errno));
	else
		FACT("%s: %s", name, stop_text(status));
	return status;
}

// quiet is NEXT without a word.
static int quiet(pid_t pid)
{
	int status = -1;
	while (waitpid(pid, &status, __WALL) == -1 && errno == EINTR)
		;
	return status;
}

// TRACED forks a child that asks to be traced and stops; the block that follows is what it does then.
#define TRACED(pid)                                            \
	if (((pid) = MUST(fork())) == 0)                       \
		for (trace(PTRACE_TRACEME, 0, 0, 0), raise(SIGSTOP);; _exit(0))

// The registers, by what they are for.
typedef struct user_regs_struct regs_t;
#ifdef __x86_64__
#define REG_RESULT rax
#define REG_ARG0 rdi
#define REG_ARG1 rsi
#define REG_PC rip
#define REG_SP rsp
#define ARCH AUDIT_ARCH_X86_64
#else
#define REG_RESULT regs[0]
#define REG_ARG0 regs[0]
#define REG_ARG1 regs[1]
#define REG_PC pc
#define REG_SP sp
#define ARCH AUDIT_ARCH_AARCH64
#ifndef NT_ARM_SYSTEM_CALL
#define NT_ARM_SYSTEM_CALL 0x404
#endif
#endif

static regs_t get_regs(pid_t pid)
{
	regs_t r = { 0 };
	struct iovec v = { &r, sizeof r };
	MUST(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&v));
	return r;
}
static void set_regs(pid_t pid, regs_t r)
{
	struct iovec v = { &r, sizeof r };
	MUST(trace(PTRACE_SETREGSET, pid, NT_PRSTATUS, (unsigned long)&v));
}

// get_call and set_call are the number of the system call that a stopped thread is in.
static int get_call(pid_t pid)
{
#ifdef __x86_64__
	return get_regs(pid).orig_rax;
#else
	int nr = -2;
	struct iovec v = { &nr, sizeof nr };
	MUST(trace(PTRACE_GETREGSET, pid, NT_ARM_SYSTEM_CALL, (unsigned long)&v));
	return nr;
#endif
}
static void set_call(pid_t pid, int nr)
{
#ifdef __x86_64__
	regs_t r = get_regs(pid);
	r.orig_rax = nr;
	set_regs(pid, r);
#else
	struct iovec v = { &nr, sizeof nr };
	MUST(trace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, (unsigned long)&v));
#endif
}

// call_info is struct ptrace_syscall_info.
struct call_info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t pc, sp;
	union {
		struct {
			uint64_t nr, args[6];
			uint32_t data;
		} entry;
		struct {
			int64_t result;
			uint8_t failed;
		} exit;
	};
};

// message is PTRACE_GETEVENTMSG.
static unsigned long message(pid_t pid)
{
	unsigned long m = -1;
	MUST(trace(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&m));
	return m;
}

// state is the letter of a thread's state, tracer the ID of its tracer.
static char state(pid_t pid)
{
	char path[64];
	sprintf(path, "/proc/%d/status", pid);
	return line_of(get_file(path), "State:")[0];
}
static int tracer(pid_t pid)
{
	char path[64];
	sprintf(path, "/proc/%d/status", pid);
	return atoi(line_of(get_file(path), "TracerPid:"));
}
#endif
