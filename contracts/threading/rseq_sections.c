// rseq(2): a critical section that was interrupted, or moved to another processor, begins again; counters for each processor lose nothing.
#include "contract.h"
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

struct rseq_area {
	uint32_t start, cpu;
	uint64_t section;
	uint32_t flags, pad[3];
} __attribute__((aligned(32)));

#define THREADS 4
#define SIGNATURE 0x53053053

static struct {
	long n;
	char line[120];
} counters[512];
static long restarts, done[THREADS];

// SECTION is struct rseq_cs, at 3: the section is from 1 to 2, and begins again by way of 4.
#define SECTION                             \
	".pushsection __rseq_cs, \"aw\"\n"  \
	".balign 32\n"                      \
	"3: .long 0, 0\n"                   \
	".quad 1f, 2f - 1f, 4f\n"           \
	".popsection\n"

// count adds one to the counter of the processor that it runs on. The section takes long, so that
// it is interrupted sooner or later. False if it was.
static int count(volatile struct rseq_area *r)
{
	uint32_t cpu = r->start;
	long *counter = &counters[cpu].n;
#ifdef __x86_64__
	__asm__ goto(
		SECTION
		"leaq 3b(%%rip), %%rax\n"
		"movq %%rax, 8(%0)\n"
		"1: cmpl %1, 4(%0)\n"
		"jne %l[aborted]\n"
		"movq (%2), %%rax\n"
		"movl $500, %%ecx\n"
		"5: decl %%ecx\n"
		"jne 5b\n"
		"incq %%rax\n"
		"movq %%rax, (%2)\n"
		"2: jmp 6f\n"
		".long 0x53053053\n"
		"4: jmp %l[aborted]\n"
		"6:\n"
		:
		: "r"(r), "r"(cpu), "r"(counter)
		: "rax", "rcx", "cc", "memory"
		: aborted);
#else
	__asm__ goto(
		SECTION
		"adrp x9, 3b\n"
		"add x9, x9, :lo12:3b\n"
		"str x9, [%0, #8]\n"
		"1: ldr w9, [%0, #4]\n"
		"cmp w9, %w1\n"
		"b.ne %l[aborted]\n"
		"ldr x9, [%2]\n"
		"mov w10, #500\n"
		"5: subs w10, w10, #1\n"
		"b.ne 5b\n"
		"add x9, x9, #1\n"
		"str x9, [%2]\n"
		"2: b 6f\n"
		".long 0x53053053\n"
		"4: b %l[aborted]\n"
		"6:\n"
		:
		: "r"(r), "r"(cpu), "r"(counter)
		: "x9", "x10", "cc", "memory"
		: aborted);
#endif
	return 1;
aborted:
	return 0;
}

static long counted(void)
{
	long sum = 0;
	for (int i = 0; i < 512; i++)
		sum += counters[i].n;
	return sum;
}

static void *thread(void *arg)
{
	static __thread struct rseq_area area;
	if (syscall(SYS_rseq, &area, sizeof area, 0, SIGNATURE) == -1)
		return (void *)(long)errno;
	long n = 0;
	while (n < 2000 || __atomic_load_n(&restarts, __ATOMIC_RELAXED) < 3) {
		if (count(&area))
			n++;
		else
			__atomic_add_fetch(&restarts, 1, __ATOMIC_RELAXED);
		if (n % 4 == 0)
			sched_yield(); // and perhaps go on elsewhere
	}
	area.section = 0;
	done[(long)arg] = n;
	return (void *)(long)(syscall(SYS_rseq, &area, sizeof area, 1, SIGNATURE) ? errno : 0);
}

int main(void)
{
	pthread_t threads[THREADS];
	long wanted = 0;
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], 0, thread, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		void *error;
		pthread_join(threads[i], &error);
		FACT("thread %d: error %ld", i, (long)error);
		wanted += done[i];
	}
	FACT("sections began again: %s", restarts >= 3 ? "yes" : "no");
	FACT("counted: %s", counted() == wanted ? "all" : "not all");

	// Where sched_setaffinity moves the thread, the area names that processor at once.
	static struct rseq_area area;
	CALL("rseq", syscall(SYS_rseq, &area, sizeof area, 0, SIGNATURE));
	cpu_set_t all, one;
	int wrong = 0;
	sched_getaffinity(0, sizeof all, &all);
	for (int i = 0; i < 50; i++)
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (!CPU_ISSET(cpu, &all))
				continue;
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			sched_setaffinity(0, sizeof one, &one);
			wrong += *(volatile uint32_t *)&area.cpu != cpu;
		}
	sched_setaffinity(0, sizeof all, &all);
	FACT("moved, and not told: %d", wrong);
	// A child has its parent's area.
	pid_t pid = fork();
	if (pid == 0) {
		memset(counters, 0, sizeof counters);
		for (wanted = 0; wanted < 100;)
			wanted += count(&area);
		_exit(counted() != wanted);
	}
	int status;
	waitpid(pid, &status, 0);
	FACT("child: %#x", status);
}
