// execve(2), clone(2): registers of a new program and of a child: cleared vectors, flags, floating point control.
#include "contract.h"

static int nonzero(void)
{
	unsigned char v[32][16];
	memset(v, 0, sizeof v);
#ifdef __x86_64__
	__asm__ volatile("movups %%xmm8, (%0)\n movups %%xmm12, 16(%0)\n movups %%xmm15, 32(%0)" : : "r"(v) : "memory");
#else
	__asm__ volatile("str q16, [%0]\n str q24, [%0, #16]\n str q31, [%0, #32]" : : "r"(v) : "memory");
#endif
	int n = 0;
	for (int i = 0; i < 48; i++)
		n += ((unsigned char *)v)[i] != 0;
	return n;
}
static void dirty(void)
{
	unsigned long w[2] = { -1, -1 };
#ifdef __x86_64__
	__asm__ volatile("movups (%0), %%xmm8\n movups (%0), %%xmm12\n movups (%0), %%xmm15" : : "r"(w) : "memory", "xmm8", "xmm12", "xmm15");
#else
	__asm__ volatile("ldr q16, [%0]\n ldr q24, [%0]\n ldr q31, [%0]" : : "r"(w) : "memory", "v16", "v24", "v31");
#endif
}
static void control(const char *name)
{
#ifdef __x86_64__
	unsigned m;
	unsigned short cw;
	__asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(m), "=m"(cw));
	FACT("%s: mxcsr %#x x87 %#x", name, m & ~0x3f, cw);
#else
	unsigned long r, s;
	__asm__ volatile("mrs %0, fpcr\n mrs %1, fpsr" : "=r"(r), "=r"(s));
	FACT("%s: fpcr %#lx", name, r);
#endif
}
static void round_up(void)
{
#ifdef __x86_64__
	unsigned m = 0x5f80;
	__asm__ volatile("ldmxcsr %0" : : "m"(m));
#else
	__asm__ volatile("msr fpcr, %0" : : "r"(1ul << 22));
#endif
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		control("after exec");
		return 0;
	}
	control("at first");
	round_up();
	volatile double one = 1, three = 3;
	union { double d; unsigned long bits; } third = { one / three };
	FACT("rounding upwards %#lx", third.bits);
	getpid();
	control("kept by a call");
	pid_t pid = fork();
	if (pid == 0) {
		control("kept by fork");
		execl("/proc/self/exe", "x", "1", NULL);
	}
	REAP(pid);
	dirty();
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(nonzero() > 0);
	int status;
	syscall(SYS_wait4, pid, &status, 0, 0);
	FACT("a child inherits vectors: %d", WEXITSTATUS(status));
#ifdef __x86_64__
	unsigned long flags;
	__asm__ volatile("std\n mov $39, %%eax\n syscall\n pushf\n pop %0\n cld" : "=r"(flags) : : "rax", "rcx", "r11", "memory");
	FACT("the direction flag survives a call: %d", !!(flags & 0x400));
	__asm__ volatile("stc\n mov $39, %%eax\n syscall\n pushf\n pop %0" : "=r"(flags) : : "rax", "rcx", "r11", "memory");
	FACT("so does carry: %d, interrupts are on %d, privilege level %d", !!(flags & 1), !!(flags & 0x200), (int)(flags >> 12 & 3));
#else
	unsigned long flags, tls;
	__asm__ volatile("cmp xzr, xzr\n mov x8, #172\n svc #0\n mrs %0, nzcv" : "=r"(flags) : : "x0", "x8", "memory", "cc");
	FACT("the condition flags survive a call: %#lx", flags >> 28);
	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(tls));
	IS("the thread pointer is set", tls != 0);
#endif
}
