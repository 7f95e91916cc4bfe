// sigaction(2): siginfo of faults: code and address of SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP.
#include "contract.h"
#include <setjmp.h>

static sigjmp_buf back;
static siginfo_t seen;
static void keep(int sig, siginfo_t *i, void *context)
{
	seen = *i;
	siglongjmp(back, 1);
}
#define TRY(name, statement, address)                                                                     \
	do {                                                                                              \
		if (sigsetjmp(back, 1) == 0) {                                                            \
			statement;                                                                        \
			FACT("%s: no fault", name);                                                       \
		} else                                                                                    \
			FACT("%s: %s code %d, address right %d", name, signal_name(seen.si_signo), seen.si_code, \
				seen.si_addr == (void *)(address));                                       \
	} while (0)

int main(void)
{
	struct sigaction a = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO };
	int sigs[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
	for (int i = 0; i < COUNT_OF(sigs); i++)
		sigaction(sigs[i], &a, NULL);
	volatile char *unmapped = pages(1, PROT_NONE);
	munmap((void *)unmapped, page());
	volatile char *none = pages(1, PROT_NONE), *ro = pages(1, PROT_READ);
	TRY("read of nothing", unmapped[5], unmapped + 5);
	TRY("write to nothing", unmapped[6] = 1, unmapped + 6);
	TRY("read of PROT_NONE", none[7], none + 7);
	TRY("write to read-only", ro[8] = 1, ro + 8);
	TRY("jump to no-exec", ((void (*)(void))ro)(), ro);
	put_file("f", "x");
	int fd = open("f", O_RDWR);
	volatile char *file = mmap(NULL, 2 * page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	TRY("beyond the end of a file", file[page() + 3], file + page() + 3);
	TRY("null", *(volatile int *)0, 0);
#ifdef __x86_64__
	static void *non_canonical = (void *)0x8000000000000000;
	TRY("non-canonical address", *(volatile int *)non_canonical, 0);
	volatile int zero = 0;
	if (sigsetjmp(back, 1) == 0)
		zero = 1 / zero;
	else
		FACT("division by zero: %s code %d", signal_name(seen.si_signo), seen.si_code);
#endif
	if (sigsetjmp(back, 1) == 0)
		__asm__ volatile(
#ifdef __x86_64__
			"ud2"
#else
			".inst 0x00000000"
#endif
		);
	else
		FACT("undefined instruction: %s code %d", signal_name(seen.si_signo), seen.si_code);
	if (sigsetjmp(back, 1) == 0)
		__asm__ volatile(
#ifdef __x86_64__
			"int3"
#else
			"brk #0"
#endif
		);
	else
		FACT("breakpoint: %s code %d", signal_name(seen.si_signo), seen.si_code);
}
