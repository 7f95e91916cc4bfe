// arch_prctl(2): FS and GS bases; modify_ldt and others of the old i386 world.
// arch: amd64
#include "contract.h"

static unsigned long fs0(void)
{
	unsigned long v;
	__asm__ volatile("mov %%fs:0, %0" : "=r"(v));
	return v;
}
static void *thread(void *arg)
{
	unsigned long base = 0;
	syscall(SYS_arch_prctl, 0x1003, &base);
	IS("a thread's FS is its own", base == fs0() && base != *(unsigned long *)arg);
	return NULL;
}

int main(void)
{
	unsigned long base = 0, gs = 1, word[2] = { 0xabcdef, 0x123 }, v;
	CALL("ARCH_GET_FS", syscall(SYS_arch_prctl, 0x1003, &base));
	IS("it points to itself", base == fs0());
	CALL("ARCH_GET_GS", syscall(SYS_arch_prctl, 0x1004, &gs));
	FACT("GS %lu", gs);
	CALL("ARCH_SET_GS", syscall(SYS_arch_prctl, 0x1001, word));
	__asm__ volatile("mov %%gs:0, %0" : "=r"(v));
	FACT("gs:0 %#lx", v);
	pid_t pid;
	CHILD(pid)
	{
		__asm__ volatile("mov %%gs:8, %0" : "=r"(v));
		FACT("in a child %#lx", v);
	}
	REAP(pid);
	sched_yield();
	__asm__ volatile("mov %%gs:8, %0" : "=r"(v));
	FACT("after another process ran %#lx", v);
	JOIN(THREAD(thread, &base));
	CALL("an address that is not canonical", syscall(SYS_arch_prctl, 0x1001, 1ul << 63));
	CALL("in the kernel's half", syscall(SYS_arch_prctl, 0x1002, 0xffff800000000000));
	CALL("bad pointer", syscall(SYS_arch_prctl, 0x1003, 8));
	CALL("no such code", syscall(SYS_arch_prctl, 0x1fff, 0));
	CALL("ARCH_GET_CPUID", syscall(SYS_arch_prctl, 0x1011, 0));
	CALL("iopl", syscall(SYS_iopl, 4));
	CALL("ioperm out of range", syscall(SYS_ioperm, 65536, 1, 1));
	FAULTS("hlt", ({ __asm__ volatile("hlt"); 0; }));
	FAULTS("cli", ({ __asm__ volatile("cli"); 0; }));
	FAULTS("int3", ({ __asm__ volatile("int3"); 0; }));
	FAULTS("int $0x81", ({ __asm__ volatile("int $0x81"); 0; }));
	FAULTS("ud2", ({ __asm__ volatile("ud2"); 0; }));
	FAULTS("a jump to no canonical address", ({ __asm__ volatile("jmp *%0" : : "r"(1ul << 62)); 0; }));
	FAULTS("an access to no canonical address", *(volatile char *)(1ul << 62));
	FAULTS("divide by zero", ({ __asm__ volatile("xor %%ecx, %%ecx\n xor %%edx, %%edx\n mov $1, %%eax\n div %%ecx" : : : "eax", "ecx", "edx"); 0; }));
}
