// Vector registers survive faults, signals and preemption by another process that uses its own.
#include "contract.h"

static volatile int stop;
static void end(int sig)
{
	volatile double x = 1.5;
	for (int i = 0; i < 10; i++)
		x *= 1.1;
	stop++;
}

static int spin(unsigned long seed)
{
	unsigned long v[2] = { seed, ~seed }, x[2];
	int bad = 0;
	volatile char *fresh = pages(200, PROT_READ | PROT_WRITE);
	long long until = now_ms() + 80;
	int n = 0;
	while (now_ms() < until) {
		volatile char *touch = fresh + (n++ % 200) * page();
		if (n % 200 == 0)
			madvise((void *)fresh, 200 * page(), MADV_DONTNEED);
#ifdef __x86_64__
		__asm__ volatile("movups (%0), %%xmm5\n movb $1, (%2)\n mov $20000, %%ecx\n 1: dec %%ecx\n jnz 1b\n movups %%xmm5, (%1)"
				 : : "r"(v), "r"(x), "r"(touch) : "ecx", "memory", "xmm5");
#else
		__asm__ volatile("ldr q5, [%0]\n strb wzr, [%2]\n mov x9, #20000\n 1: subs x9, x9, #1\n b.ne 1b\n str q5, [%1]"
				 : : "r"(v), "r"(x), "r"(touch) : "x9", "memory", "v5", "cc");
#endif
		bad += x[0] != v[0] || x[1] != v[1];
	}
	return bad;
}

int main(void)
{
	on_signal(SIGALRM, end, SA_RESTART);
	struct itimerval t = { { 0, 5000 }, { 0, 5000 } };
	pid_t pid[3];
	for (int i = 0; i < 3; i++)
		CHILD(pid[i])
		{
			setitimer(ITIMER_REAL, &t, NULL);
			_exit(spin(0x0123456789abcdef * (i + 1)));
		}
	for (int i = 0; i < 3; i++)
		ENDED("changed values", pid[i]);
}
