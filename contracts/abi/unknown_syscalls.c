// syscalls(2): numbers that are no call are ENOSYS; a call's error is between -4095 and -1.
#include "contract.h"

int main(void)
{
	CALL("99999", syscall(99999));
	CALL("-1", syscall(-1));
	CALL("1023", syscall(1023));
#ifdef __x86_64__
	long r;
	__asm__ volatile("syscall" : "=a"(r) : "a"(3), "D"(-1L) : "rcx", "r11", "memory");
	FACT("raw error of close(-1): %ld", r);
	__asm__ volatile("syscall" : "=a"(r) : "a"(0xffffffff00000027UL) : "rcx", "r11", "memory");
	IS("the upper half of the number is ignored", r == getpid());
#else
	register long x8 __asm__("x8") = 57, x0 __asm__("x0") = -1;
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8) : "memory");
	FACT("raw error of close(-1): %ld", x0);
#endif
}
