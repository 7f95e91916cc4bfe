// syscalls(2), sigreturn(2): every vector register, low and high half, survives system calls, a handler, a fault and a fork.
#include "contract.h"

#ifdef __x86_64__
enum { REGISTERS = 16 };
#define EACH(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define LOAD(i) "movups 16*" #i "(%1), %%xmm" #i "\n"
#define STORE(i) "movups %%xmm" #i ", 16*" #i "(%2)\n"
#define CLOBBER "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "rcx", "r11"
static long around(long nr, long a, long b, void *in, void *out)
{
	long r;
	__asm__ volatile(EACH(LOAD) "syscall\n" EACH(STORE) : "=a"(r) : "r"(in), "r"(out), "0"(nr), "D"(a), "S"(b) : "memory", CLOBBER);
	return r;
}
#else
enum { REGISTERS = 32 };
#define EACH(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15) op(16) op(17) \
	op(18) op(19) op(20) op(21) op(22) op(23) op(24) op(25) op(26) op(27) op(28) op(29) op(30) op(31)
#define LOAD(i) "ldr q" #i ", [%1, #16*" #i "]\n"
#define STORE(i) "str q" #i ", [%2, #16*" #i "]\n"
#define CLOBBER "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", \
	"v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"
static long around(long nr, long a, long b, void *in, void *out)
{
	register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
	__asm__ volatile(EACH(LOAD) "svc #0\n" EACH(STORE) : "+r"(x0) : "r"(in), "r"(out), "r"(x8), "r"(x1) : "memory", CLOBBER);
	return x0;
}
#endif
static unsigned char in[REGISTERS * 16], out[REGISTERS * 16];
static volatile double noise = 1;
static void handler(int sig)
{
	unsigned char other[REGISTERS * 16];
	memset(other, 0xee, sizeof other);
	around(SYS_gettid, 0, 0, other, out); // each register holds something else in here
	noise *= 1.5;
	got[sig]++;
}
static void check(const char *name)
{
	int bad = 0;
	for (int i = 0; i < REGISTERS; i++)
		bad += memcmp(in + 16 * i, out + 16 * i, 16) != 0;
	FACT("%s: registers that changed %d", name, bad);
	memset(out, 0, sizeof out);
}

int main(void)
{
	for (int i = 0; i < (int)sizeof in; i++)
		in[i] = i * 37 + (i >> 8) * 11 + 1;
	on_signal(SIGUSR1, handler, 0);
	IS("getpid", around(SYS_getpid, 0, 0, in, out) == getpid());
	check("getpid");
	around(SYS_kill, getpid(), SIGUSR1, in, out);
	check("kill with a handler that uses them all");
	FACT("handled %d", got[SIGUSR1]);
	struct timespec t = { 0, 3000000 };
	pid_t pid;
	CHILD(pid)
	{
		for (int i = 0; i < 200; i++) {
			unsigned char other[REGISTERS * 16];
			memset(other, i, sizeof other);
			around(SYS_sched_yield, 0, 0, other, out);
		}
	}
	around(SYS_nanosleep, (long)&t, 0, in, out);
	check("nanosleep while another process uses them");
	for (int i = 0; i < 100; i++)
		around(SYS_sched_yield, 0, 0, in, out);
	check("sched_yield");
	REAP(pid);
	char *p = pages(1, PROT_READ | PROT_WRITE);
	around(SYS_clock_gettime, CLOCK_MONOTONIC, (long)p, in, out);
	check("a call that faults a page in");
	around(SYS_mmap, 0, 4096, in, out);
	check("a call that fails");
	pid = around(SYS_clone, SIGCHLD, 0, in, out);
	if (pid == 0) {
		check("fork, the child");
		_exit(0);
	}
	REAP(pid);
	out[0] = 0;
}
