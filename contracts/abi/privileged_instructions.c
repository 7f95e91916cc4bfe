// What user mode may not do, and what it may: system registers, cache maintenance, exceptions' signals.
// arch: arm64
#include "contract.h"

int main(void)
{
	unsigned long v = 0;
	FAULTS("read of sctlr_el1", ({ __asm__ volatile("mrs %0, sctlr_el1" : "=r"(v)); v; }));
	FAULTS("write of ttbr0_el1", ({ __asm__ volatile("msr ttbr0_el1, %0" : : "r"(v)); 0; }));
	FAULTS("wfi", ({ __asm__ volatile("hint #3"); 0; }));
	FAULTS("hvc", ({ __asm__ volatile("hvc #0"); 0; }));
	FAULTS("smc", ({ __asm__ volatile("smc #0"); 0; }));
	FAULTS("udf", ({ __asm__ volatile("udf #0"); 0; }));
	FAULTS("brk", ({ __asm__ volatile("brk #0"); 0; }));
	FAULTS("eret", ({ __asm__ volatile("eret"); 0; }));
	FAULTS("daifset", ({ __asm__ volatile("msr daifset, #2"); 0; }));
	FAULTS("tlbi", ({ __asm__ volatile("tlbi vmalle1"); 0; }));
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	IS("the counter may be read", v != 0);
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(v));
	IS("and its frequency", v >= 1000000);
	__asm__ volatile("mrs %0, ctr_el0" : "=r"(v));
	IS("and the cache type", v != 0);
	__asm__ volatile("mrs %0, dczid_el0" : "=r"(v));
	FACT("dc zva is allowed: %d", !(v & 16));
	char *p = pages(1, PROT_READ | PROT_WRITE);
	memset(p, 1, page());
	__asm__ volatile("dc zva, %0" : : "r"(p + 1024) : "memory");
	FACT("a block of zeros: %d, before it %d", p[1024], p[1023]);
	__asm__ volatile("dc cvau, %0\n ic ivau, %0\n dsb ish\n isb" : : "r"(p));
	FACT("cache maintenance by address is allowed");
	__asm__ volatile("mrs %0, midr_el1" : "=r"(v));
	FACT("midr_el1 is emulated: implementer %#lx", v >> 24);
	__asm__ volatile("mrs %0, id_aa64pfr0_el1" : "=r"(v));
	FACT("id_aa64pfr0_el1: FP %lu AdvSIMD %lu", v >> 16 & 15, v >> 20 & 15);
	FAULTS("an unaligned exclusive", ({ unsigned w; __asm__ volatile("ldxr %w0, [%1]" : "=r"(w) : "r"(p + 1)); w; }));
	FAULTS("an unaligned ordinary access", *(volatile unsigned *)(p + 1));
	FAULTS("a misaligned jump", ((void (*)(void))((char *)main + 2))());
	FAULTS("an address in the kernel's half", *(volatile char *)0xffff000000000000);
	FAULTS("a tagged address", *(volatile char *)((unsigned long)p | 0x5aul << 56));
	CALL("a tagged address in a call", write(1, (char *)((unsigned long)"" | 0x5aul << 56), 0));
}
