// vdso(7): an ELF image with a dynamic symbol table; its functions agree with the system calls.
#include "contract.h"
#include <elf.h>
#include <sys/auxv.h>

static Elf64_Ehdr *e;
static Elf64_Sym *symbols;
static const char *names;
static unsigned count;
static void *find(const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(names + symbols[i].st_name, name) == 0 && symbols[i].st_shndx != SHN_UNDEF)
			return (char *)e + symbols[i].st_value;
	return NULL;
}

int main(void)
{
	e = (void *)getauxval(AT_SYSINFO_EHDR);
	FACT("type %d machine %d, page aligned %d", e->e_type, e->e_machine, (long)e % page() == 0);
	Elf64_Phdr *p = (void *)((char *)e + e->e_phoff);
	int loads = 0, dynamic = 0;
	Elf64_Dyn *d = NULL;
	for (int i = 0; i < e->e_phnum; i++) {
		loads += p[i].p_type == PT_LOAD;
		if (p[i].p_type == PT_DYNAMIC)
			d = (void *)((char *)e + p[i].p_offset), dynamic++;
	}
	FACT("loaded segments %d dynamic %d", loads, dynamic);
	bool hash = false, version = false;
	for (; d && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SYMTAB)
			symbols = (void *)((char *)e + d->d_un.d_ptr);
		if (d->d_tag == DT_STRTAB)
			names = (char *)e + d->d_un.d_ptr;
		if (d->d_tag == DT_HASH)
			count = ((unsigned *)((char *)e + d->d_un.d_ptr))[1], hash = true;
		version |= d->d_tag == DT_VERDEF;
	}
	FACT("hash table %d versions %d", hash, version);
#ifdef __x86_64__
	const char *want[] = { "__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time", "__vdso_getcpu", "__vdso_clock_getres" };
#else
	const char *want[] = { "__kernel_clock_gettime", "__kernel_gettimeofday", "__kernel_clock_getres", "__kernel_rt_sigreturn" };
#endif
	for (int i = 0; i < COUNT_OF(want); i++)
		FACT("%s: %d", want[i], find(want[i]) != NULL);
	int (*gettime)(int, struct timespec *) = find(want[0]);
	int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_TAI,
		CLOCK_PROCESS_CPUTIME_ID, 99 };
	for (int i = 0; i < COUNT_OF(clocks); i++) {
		struct timespec a, b, c;
		int ra = syscall(SYS_clock_gettime, clocks[i], &a), rb = gettime(clocks[i], &b), rc = syscall(SYS_clock_gettime, clocks[i], &c);
		long long x = a.tv_sec * 1000000000LL + a.tv_nsec, y = b.tv_sec * 1000000000LL + b.tv_nsec, z = c.tv_sec * 1000000000LL + c.tv_nsec;
		FACT("clock %d: call %d, function %d, in between %d", clocks[i], ra, rb, ra == 0 && x <= y && y <= z);
	}
	long long last = 0, backwards = 0;
	for (int i = 0; i < 20000; i++) {
		struct timespec t;
		gettime(CLOCK_MONOTONIC, &t);
		backwards += t.tv_sec * 1000000000LL + t.tv_nsec < last;
		last = t.tv_sec * 1000000000LL + t.tv_nsec;
	}
	FACT("went backwards %lld times", backwards);
	char *maps = get_file("/proc/self/maps");
	FACT("[vdso] %d [vvar] %d", strstr(maps, "[vdso]") != NULL, strstr(maps, "[vvar]") != NULL);
	FAULTS("write to it", *(volatile char *)e = 0);
}
