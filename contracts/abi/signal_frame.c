// sigaction(2), sigreturn(2): the frame that a handler sees: alignment, siginfo's bytes, ucontext's registers, mask, red zone.
#include "contract.h"

static volatile unsigned long align, sp_in, sp_out, pc_near, mask_word, flags_word, stack_flags;
static volatile int bytes[6];
static unsigned long value_in = 0x1234567890abcdef, value_out;
static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	align = (unsigned long)__builtin_frame_address(0) & 15;
	memcpy((void *)&bytes[0], (char *)info + 0, 4);
	memcpy((void *)&bytes[1], (char *)info + 4, 4);
	memcpy((void *)&bytes[2], (char *)info + 8, 4);
	memcpy((void *)&bytes[3], (char *)info + 16, 4);
	memcpy((void *)&bytes[4], (char *)info + 20, 4);
	memcpy((void *)&bytes[5], (char *)info + 24, 4);
	memcpy((void *)&mask_word, &u->uc_sigmask, 8);
	stack_flags = u->uc_stack.ss_flags;
#ifdef __x86_64__
	sp_in = u->uc_mcontext.gregs[REG_RSP];
	value_out = u->uc_mcontext.gregs[REG_R12];
	u->uc_mcontext.gregs[REG_R12] = 42;
	flags_word = u->uc_mcontext.gregs[REG_CSGSFS] & 0xffff;
#else
	sp_in = u->uc_mcontext.sp;
	value_out = u->uc_mcontext.regs[19];
	u->uc_mcontext.regs[19] = 42;
	flags_word = u->uc_mcontext.pstate & 0xf;
#endif
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	block(SIGHUP);
	long pid = getpid(), seen = 0, red = 0;
#ifdef __x86_64__
	__asm__ volatile("mov %4, %%r12\n movq $0x77, -8(%%rsp)\n movq $0x99, -120(%%rsp)\n mov $62, %%eax\n syscall\n"
			 "mov %%r12, %0\n mov %%rsp, %1\n mov -8(%%rsp), %2\n add -120(%%rsp), %2"
			 : "=&r"(seen), "=&m"(sp_out), "=&r"(red) : "D"(pid), "r"(value_in), "S"((long)SIGUSR1) : "rax", "rcx", "r11", "r12", "memory");
#else
	register long x0 __asm__("x0") = pid, x1 __asm__("x1") = SIGUSR1;
	__asm__ volatile("mov x19, %3\n mov x8, #129\n svc #0\n mov %0, x19\n mov x9, sp\n str x9, %1"
			 : "=&r"(seen), "=m"(sp_out), "+r"(x0) : "r"(value_in), "r"(x1) : "x8", "x9", "x19", "memory");
	red = 0x77 + 0x99; // no red zone here
#endif
	FACT("frame aligned: %lu", align);
	FACT("siginfo@0 %d @4 %d @8 %d", bytes[0], bytes[1], bytes[2]);
	IS("@16 the sender, @20 its user", bytes[3] == pid && bytes[4] == 0);
	IS("the context has the register", value_out == value_in);
	FACT("what the handler put there came back: %ld", seen);
	IS("and the stack pointer", sp_in == sp_out);
	FACT("mask in the context %#lx: what was blocked before", mask_word);
	FACT("stack flags %lu, code segment or mode %#lx", stack_flags, flags_word);
	FACT("the red zone is untouched: %lx", red);
	FACT("size of ucontext's mask at its offset: %zu", offsetof(ucontext_t, uc_sigmask));
}
