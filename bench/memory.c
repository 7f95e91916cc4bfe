// Mappings, faults, and what tasks take of memory.
#include "bench.h"

enum { PAGE = 4096 };

static char *map(size_t n)
{
	char *p = mmap(0, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	return p;
}

BENCH(mmap_munmap, NS, "mmap and munmap of a page that is never touched")
{
	REPEAT(r) CHECK(munmap(map(PAGE), PAGE));
}

static void touch(size_t size)
{
	char *p = map(size);
	madvise(p, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += PAGE)
		p[i] = 1;
	CHECK(munmap(p, size));
}

BENCH(mmap_fault, NS, "first touch of a page, of 1 MiB that is mapped and unmapped")
{
	enum { SIZE = 1 << 20 };
	r->per = SIZE / PAGE;
	REPEAT(r) touch(SIZE);
}

BENCH(mmap_fault_huge, NS_KIB, "first touch of 4 MiB in which huge pages may be used")
{
	enum { SIZE = 4 << 20 };
	r->per = SIZE / 1024;
	REPEAT(r) {
		char *p = map(SIZE);
		for (size_t i = 0; i < SIZE; i += PAGE)
			p[i] = 1;
		CHECK(munmap(p, SIZE));
	}
}

BENCH(mprotect, NS, "mprotect of 16 touched pages, to and fro")
{
	char *p = map(16 * PAGE);
	memset(p, 1, 16 * PAGE);
	REPEAT(r) {
		CHECK(mprotect(p, 16 * PAGE, PROT_READ));
		CHECK(mprotect(p, 16 * PAGE, PROT_READ | PROT_WRITE));
	}
}

BENCH(brk, NS, "brk, a page up and down")
{
	char *top = (char *)syscall(SYS_brk, 0);
	REPEAT(r) {
		syscall(SYS_brk, top + PAGE);
		syscall(SYS_brk, top);
	}
}

CURVE(mappings, NS, "mmap, touch and munmap of a page beside so many other mappings", 1, 100, 10000, 60000)
{
	// Neighbours that differ in protection stay apart.
	char *p = mmap(0, (r->arg + 1) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	for (long i = 0; i < r->arg; i += 2)
		CHECK(mprotect(p + i * PAGE, PAGE, PROT_READ));
	REPEAT(r) {
		char *q = map(PAGE);
		*q = 1;
		CHECK(munmap(q, PAGE));
	}
}

static void faults(int i, long n)
{
	enum { PAGES = 16 };
	for (; n > 0; n -= PAGES) {
		char *p = map(PAGES * PAGE);
		for (int i = 0; i < PAGES; i++)
			p[i * PAGE] = 1;
		CHECK(munmap(p, PAGES * PAGE));
	}
}

CPUS(parallel_faults, NS, "first touch of pages of one address space on so many CPUs at once: the time of one")
{
	on_cpus(r, faults);
}

static long free_kib(void)
{
	char line[128];
	long free;
	FILE *f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "MemFree: %ld", &free) == 1) {
			fclose(f);
			return free;
		}
	fail("/proc/meminfo");
}

static void idle(long unused)
{
	for (;;)
		pause();
}

BENCH(memory_per_task, KIB, "what an idle process takes: one that forked and waits")
{
	enum { TASKS = 200 };
	long before = free_kib();
	for (int i = 0; i < TASKS; i++)
		start(idle, 0);
	usleep(200000); // all have come to their pause
	r->value = (double)(before - free_kib()) / TASKS;
}
