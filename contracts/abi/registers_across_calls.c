// syscalls(2): a system call changes only the registers that the architecture says.
#include "contract.h"

int main(void)
{
	int bad = 0;
	for (int round = 0; round < 100; round++) {
#ifdef __x86_64__
		unsigned long before[2] = { 0x1111222233334444, 0x5555666677778888 }, x[16][2];
		long r12 = 0;
		__asm__ volatile(
			"movups (%1), %%xmm0\n movups (%1), %%xmm1\n movups (%1), %%xmm7\n movups (%1), %%xmm8\n movups (%1), %%xmm15\n"
			"mov $0x1234, %%r12\n mov $0x77, %%r9\n mov $39, %%eax\n syscall\n"
			"movups %%xmm0, (%2)\n movups %%xmm1, 16(%2)\n movups %%xmm7, 32(%2)\n movups %%xmm8, 48(%2)\n movups %%xmm15, 64(%2)\n"
			"mov %%r12, %0\n add %%r9, %0"
			: "=&r"(r12) : "r"(before), "r"(x)
			: "rax", "rcx", "r11", "r12", "r9", "memory", "xmm0", "xmm1", "xmm7", "xmm8", "xmm15");
		for (int i = 0; i < 5; i++)
			bad += memcmp(x[i], before, 16) != 0;
		bad += r12 != 0x1234 + 0x77;
#else
		unsigned long before[2] = { 0x1111222233334444, 0x5555666677778888 }, x[6][2];
		long out = 0;
		__asm__ volatile(
			"ldr q0, [%1]\n ldr q1, [%1]\n ldr q7, [%1]\n ldr q8, [%1]\n ldr q31, [%1]\n"
			"mov x19, #0x1234\n mov x9, #0x77\n mov x8, #172\n svc #0\n"
			"str q0, [%2]\n str q1, [%2, #16]\n str q7, [%2, #32]\n str q8, [%2, #48]\n str q31, [%2, #64]\n"
			"add %0, x19, x9"
			: "=&r"(out) : "r"(before), "r"(x)
			: "x0", "x8", "x9", "x19", "memory", "v0", "v1", "v7", "v8", "v31");
		for (int i = 0; i < 5; i++)
			bad += memcmp(x[i], before, 16) != 0;
		bad += out != 0x1234 + 0x77;
#endif
	}
	FACT("registers that changed: %d", bad);
}
