// ptrace(2): PTRACE_SINGLESTEP lets one instruction run, a system call counts as one, and a signal's handler is stepped into.
#include "contract.h"
#include "ptrace.h"

extern char steps_begin[], steps_call[], steps_end[];

#ifdef __x86_64__
#define CODE                                                                             \
	".globl steps_begin\nsteps_begin:\n\tnop\n\tmov $3, %%ecx\n"                     \
	"1:\tdec %%ecx\n\tjnz 1b\n\tmov $39, %%eax\n"                                    \
	".globl steps_call\nsteps_call:\n\tsyscall\n\tnop\n"                             \
	".globl steps_end\nsteps_end:\n\tnop\n"
#define BREAK "int3\n"
#define AFTER_BREAK 0
#define CALL_BYTES 2
#define CLOBBERS "rax", "rcx", "r11", "cc", "memory"
#else
#define CODE                                                                             \
	".globl steps_begin\nsteps_begin:\n\tnop\n\tmov w9, #3\n"                        \
	"1:\tsubs w9, w9, #1\n\tb.ne 1b\n\tmov x8, #172\n"                               \
	".globl steps_call\nsteps_call:\n\tsvc #0\n\tnop\n"                              \
	".globl steps_end\nsteps_end:\n\tnop\n"
#define BREAK "brk #0\n"
#define AFTER_BREAK 4
#define CALL_BYTES 4
#define CLOBBERS "x0", "x8", "x9", "cc", "memory"
#endif

static void handler(int sig UNUSED) { got[SIGUSR1]++; }

__attribute__((noinline)) static void work(void)
{
	__asm__ volatile(BREAK CODE ::: CLOBBERS);
}

static int step(pid_t pid, int sig)
{
	MUST(trace(PTRACE_SINGLESTEP, pid, 0, sig));
	return quiet(pid);
}

int main(void)
{
	pid_t pid;
	TRACED(pid)
	{
		signal(SIGUSR1, handler);
		work();
		kill(getpid(), SIGUSR1);
		_exit(got[SIGUSR1]);
	}
	quiet(pid);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	NEXT("the beginning", pid);
	regs_t r = get_regs(pid);
	r.REG_PC += AFTER_BREAK;
	set_regs(pid, r);
	IS("it is the code's", r.REG_PC == (unsigned long)steps_begin);
	int n = 0, s = 0;
	siginfo_t i;
	bool flag = false;
	do {
		s = step(pid, 0);
		n++;
		r = get_regs(pid);
		MUST(trace(PTRACE_GETSIGINFO, pid, 0, (long)&i));
#ifdef __x86_64__
		flag |= r.eflags & 0x100;
#endif
		if (n == 1)
			FACT("first: %s, code %d, at the instruction: %d", stop_text(s), i.si_code, (unsigned long)i.si_addr == r.REG_PC);
		if (r.REG_PC == (unsigned long)steps_call + CALL_BYTES)
			FACT("the call: %s, code %d, result right: %d", stop_text(s), i.si_code, (int)r.REG_RESULT == pid);
	} while (r.REG_PC != (unsigned long)steps_end && WIFSTOPPED(s) && n < 100);
	FACT("%d steps", n);
	IS("the flag is seen", flag);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	NEXT("no step any more", pid);
	s = step(pid, SIGUSR1);
	FACT("a handler: %s", stop_text(s));
	r = get_regs(pid);
	IS("at its beginning", r.REG_PC == (unsigned long)handler);
	unsigned long pc = r.REG_PC;
	s = step(pid, 0);
	r = get_regs(pid);
	FACT("a step: %s, some bytes on: %d", stop_text(s), r.REG_PC > pc && r.REG_PC <= pc + 8);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	NEXT("the end", pid);

	FACT("-- from the entry to a call, and detached");
	TRACED(pid)
	{
		syscall(SYS_getppid);
		syscall(SYS_getppid);
		_exit(4);
	}
	quiet(pid);
	trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	do {
		MUST(trace(PTRACE_SYSCALL, pid, 0, 0));
		s = quiet(pid);
	} while (WIFSTOPPED(s) && get_call(pid) != SYS_getppid);
	FACT("entry: %s", stop_text(s));
	s = step(pid, 0);
	FACT("exit: %s, result right: %d", stop_text(s), (int)get_regs(pid).REG_RESULT == getpid());
	step(pid, 0);
	MUST(trace(PTRACE_DETACH, pid, 0, 0));
	NEXT("the end", pid);
}
