// ptrace(2): the registers of a stopped thread, read and changed, and what of them cannot be.
#include "contract.h"
#include "ptrace.h"

#define SET(n) (0xabcdef0123456700UL + (n))

// work puts known values into registers, stops, and checks them: it returns which are wrong then.
#ifdef __x86_64__
static long work(void)
{
	long wrong;
	static double in[2] = { 1.5, 2.5 }, out[2];
	__asm__ volatile("movupd %2, %%xmm7\n\tmovabs $0xabcdef0123456712, %%r12\n\tmovabs $0xabcdef0123456713, %%r13\n\t"
			 "int3\n\t"
			 "xor %0, %0\n\tmovabs $0x1111, %%rcx\n\tcmp %%rcx, %%r12\n\tsetne %b0\n\tmovupd %%xmm7, %1"
			 : "=&a"(wrong), "=m"(out)
			 : "m"(in)
			 : "r12", "r13", "rcx", "xmm7", "cc");
	return wrong | (out[0] != 3.25) << 1 | (out[1] != 2.5) << 2;
}
#else
static long work(void)
{
	long wrong;
	static double in[2] = { 1.5, 2.5 }, out[2];
	__asm__ volatile("ldr q7, [%1]\n\tldr x12, =0xabcdef0123456712\n\tldr x13, =0xabcdef0123456713\n\t"
			 "brk #0\n\t"
			 "mov x11, #0x1111\n\tcmp x12, x11\n\tcset %0, ne\n\tstr q7, [%2]"
			 : "=&r"(wrong)
			 : "r"(in), "r"(out)
			 : "x11", "x12", "x13", "v7", "cc", "memory");
	return wrong | (out[0] != 3.25) << 1 | (out[1] != 2.5) << 2;
}
#endif

int main(void)
{
	pid_t pid;
	TRACED(pid)
	{
		_exit(work());
	}
	quiet(pid);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	NEXT("a breakpoint", pid);
	siginfo_t i;
	MUST(trace(PTRACE_GETSIGINFO, pid, 0, (long)&i));
	FACT("code %#x", i.si_code);
	regs_t r = get_regs(pid);
	FACT("call %d", get_call(pid));
	struct iovec v = { &r, 12 };
	CALL("half a register", trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (long)&v));
	v.iov_len = 16;
	CALL("two registers", trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (long)&v));
	FACT("length %d", (int)v.iov_len);
	char big[4096];
	v = (struct iovec){ big, sizeof big };
	CALL("more than there is", trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (long)&v));
	FACT("length is the size: %d", v.iov_len == sizeof r);
	CALL("no such set", trace(PTRACE_GETREGSET, pid, 0x7777, (long)&v));
	CALL("no pointer", trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, 8));
	v = (struct iovec){ big, sizeof big };
	CALL("floating point", trace(PTRACE_GETREGSET, pid, NT_PRFPREG, (long)&v));
	FACT("length %d", (int)v.iov_len);
#ifdef __x86_64__
	FACT("r12 %d r13 %d", r.r12 == SET(0x12), r.r13 == SET(0x13));
	FACT("cs %#lx ss %#lx ds %#lx", r.cs, r.ss, r.ds);
	double *vector = (double *)(big + offsetof(struct user_fpregs_struct, xmm_space) + 7 * 16);
	r.r12 = 0x1111;
#else
	FACT("r12 %d r13 %d", r.regs[12] == SET(0x12), r.regs[13] == SET(0x13));
	double *vector = (double *)(big + 7 * 16);
	r.regs[12] = 0x1111;
	r.pc += 4; // over the instruction
#endif
	FACT("vector %g %g", vector[0], vector[1]);
	vector[0] = 3.25;
	CALL("floating point changes", trace(PTRACE_SETREGSET, pid, NT_PRFPREG, (long)&v));
	v = (struct iovec){ &r, sizeof r };
	CALL("general registers change", trace(PTRACE_SETREGSET, pid, NT_PRSTATUS, (long)&v));

#ifdef __x86_64__
	struct user_regs_struct all;
	CALL("PTRACE_GETREGS", trace(PTRACE_GETREGS, pid, 0, (long)&all));
	IS("the same", memcmp(&all, &r, sizeof all) == 0);
	unsigned long word = 0;
	CALL("PTRACE_PEEKUSER", trace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.r12), (long)&word));
	FACT("r12 %#lx", word);
	CALL("PTRACE_POKEUSER", trace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.r13), 0x2222));
	MUST(trace(PTRACE_GETREGS, pid, 0, (long)&all));
	FACT("r13 %#lx", all.r13);
	CALL("between registers", trace(PTRACE_PEEKUSER, pid, 4, (long)&word));
	CALL("beyond", trace(PTRACE_PEEKUSER, pid, 928, (long)&word));
	CALL("a debug register", trace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[7]), (long)&word));
	FACT("is %lu", word);
	CALL("a bad segment", trace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.cs), 0x10));
	CALL("a bad base", trace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.fs_base), 1UL << 63));
	struct user_fpregs_struct fp;
	CALL("PTRACE_GETFPREGS", trace(PTRACE_GETFPREGS, pid, 0, (long)&fp));
	FACT("vector %g", ((double *)fp.xmm_space)[14]);
	fp.mxcsr |= 1u << 31;
	CALL("a bad MXCSR", trace(PTRACE_SETFPREGS, pid, 0, (long)&fp));
	all.eflags |= 1 << 17 | 1 << 12; // VM, IOPL
	all.eflags &= ~(1 << 9);         // IF
	CALL("flags that are not a program's", trace(PTRACE_SETREGS, pid, 0, (long)&all));
	MUST(trace(PTRACE_GETREGS, pid, 0, (long)&all));
	FACT("flags %#lx", all.eflags & (1 << 17 | 3 << 12 | 1 << 9));
#else
	unsigned long tls = 0;
	v = (struct iovec){ &tls, sizeof tls };
	CALL("NT_ARM_TLS", trace(PTRACE_GETREGSET, pid, NT_ARM_TLS, (long)&v));
	IS("it is", tls == (unsigned long)__builtin_thread_pointer()); // a fork's is the same
	r.pstate |= 0x80; // a masked interrupt
	v = (struct iovec){ &r, sizeof r };
	CALL("a bad state", trace(PTRACE_SETREGSET, pid, NT_PRSTATUS, (long)&v));
	CALL("PTRACE_GETREGS", trace(12, pid, 0, (long)&r));
	CALL("PTRACE_PEEKUSER", trace(PTRACE_PEEKUSER, pid, 0, (long)&r));
#endif
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	NEXT("what it had was right", pid);
}
