// getauxval(3), ld.so(8): what the kernel tells a program at its start.
#include "contract.h"
#include <elf.h>
#include <sys/auxv.h>

int main(int argc, char **argv)
{
	IS("AT_PAGESZ", getauxval(AT_PAGESZ) == page());
	FACT("AT_CLKTCK %lu", getauxval(AT_CLKTCK));
	IS("AT_PHDR inside the program", getauxval(AT_PHDR) != 0);
	FACT("AT_PHENT %lu", getauxval(AT_PHENT));
	IS("AT_PHNUM", getauxval(AT_PHNUM) > 2);
	IS("AT_ENTRY", getauxval(AT_ENTRY) != 0);
	IS("AT_BASE of a static program is 0", getauxval(AT_BASE) == 0);
	FACT("AT_SECURE %lu uid %lu euid %lu", getauxval(AT_SECURE), getauxval(AT_UID), getauxval(AT_EUID));
	IS("AT_RANDOM", getauxval(AT_RANDOM) != 0);
	IS("AT_EXECFN is the path", getauxval(AT_EXECFN) && strcmp((char *)getauxval(AT_EXECFN), argv[0]) == 0);
	FACT("AT_PLATFORM %s", (char *)getauxval(AT_PLATFORM));
	IS("AT_SYSINFO_EHDR is an ELF image", getauxval(AT_SYSINFO_EHDR) && memcmp((void *)getauxval(AT_SYSINFO_EHDR), ELFMAG, 4) == 0);
	IS("AT_HWCAP", getauxval(AT_HWCAP) != 0);
	uintptr_t sp = (uintptr_t)(argv - 1);
	FACT("the stack starts 16-aligned: %d", (int)(sp % 16));
	IS("argc there", *(long *)sp == argc);
}
