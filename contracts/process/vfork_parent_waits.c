// vfork(2): the parent does not run until the child has exited or executed; memory is shared meanwhile.
#include "contract.h"

// vfork_here is vfork with the system call in the caller's own frame: the C library of arm64 only forks.
static inline __attribute__((always_inline)) long vfork_here(void)
{
	unsigned long flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
#ifdef __x86_64__
	long result;
	register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0;
	__asm__ volatile("syscall" : "=a"(result) : "a"(SYS_clone), "D"(flags), "S"(0), "d"(0), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
#else
	register long x8 __asm__("x8") = SYS_clone, x0 __asm__("x0") = flags, x1 __asm__("x1") = 0, x2 __asm__("x2") = 0,
		      x3 __asm__("x3") = 0, x4 __asm__("x4") = 0;
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
#endif
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		FACT("executed");
		return 4;
	}
	volatile int x = 1;
	volatile pid_t pid = vfork_here();
	if (pid == 0) {
		pause_ms(20);
		x = 2;
		_exit(3);
	}
	FACT("x is %d after vfork", x);
	int status;
	IS("a child", wait(&status) > 0);
	SAY_STATUS("child", status);
	pid = vfork_here();
	if (pid == 0) {
		execl("/proc/self/exe", "again", "1", NULL);
		_exit(98);
	}
	wait(&status);
	SAY_STATUS("executed child", status);
}
