// malloc(3), mallopt(3): Debian's C library on brk and mmap: arenas of threads, large blocks, trimming, alignment.
// libc: glibc
#include "contract.h"
#include <malloc.h>

static int maps(void)
{
	int n = 0;
	for (char *p = get_file("/proc/self/maps"); (p = strchr(p, '\n')) != NULL; p++)
		n++;
	return n;
}
static void *storm(void *arg)
{
	unsigned seed = (long)arg;
	static _Thread_local char *kept[64];
	long bad = 0;
	for (int i = 0; i < 3000; i++) {
		int k = (seed = seed * 1103515245 + 12345) >> 16 & 63;
		size_t n = (seed >> 8 & 0x3ff) + 16;
		if (kept[k] != NULL)
			bad += kept[k][0] != (char)k || kept[k][15] != (char)k;
		kept[k] = realloc(kept[k], n);
		memset(kept[k], k, n);
	}
	for (int k = 0; k < 64; k++)
		free(kept[k]);
	return (void *)bad;
}

int main(void)
{
	char *volatile small = malloc(100);
	IS("small from the heap", strstr(get_file("/proc/self/maps"), "[heap]") != NULL);
	void *brk = sbrk(0);
	int before = maps();
	char *volatile large = malloc(8 << 20);
	IS("large from a mapping, the break stays", sbrk(0) == brk);
	large[0] = large[(8 << 20) - 1] = 'L';
	large = realloc(large, 32 << 20);
	FACT("grown: %c %c", large[0], large[(8 << 20) - 1]);
	free(large);
	IS("returned at once", maps() == before);
	char *blocks[200];
	for (int i = 0; i < 200; i++)
		memset(blocks[i] = malloc(20000), i, 20000);
	IS("the break grew", sbrk(0) > brk);
	brk = sbrk(0);
	for (int i = 0; i < 200; i++)
		free(blocks[i]);
	malloc_trim(0);
	IS("trimmed", sbrk(0) < brk);
	pthread_t t[4];
	for (long i = 0; i < 4; i++)
		t[i] = THREAD(storm, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		FACT("blocks damaged %ld", (long)JOIN(t[i]));
	FACT("aligned %d %d", (int)((long)aligned_alloc(4096, 8192) & 4095), (int)((long)memalign(1 << 16, 10) & 65535));
	IS("calloc is zero", ({ int *z = calloc(1000, 4); int s = 0; for (int i = 0; i < 1000; i++) s |= z[i]; s == 0; }));
	CALL("too large", (long)malloc(PTRDIFF_MAX) == 0 ? -1 : 0);
	struct rlimit r = { 64 << 20, RLIM_INFINITY };
	setrlimit(RLIMIT_AS, &r);
	IS("over RLIMIT_AS", malloc(128 << 20) == NULL && errno == ENOMEM);
	IS("small ones go on", malloc(1000) != NULL);
	free(small);
}
