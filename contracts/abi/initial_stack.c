// execve(2): the stack of a new program: argc, pointers, auxiliary vector, strings in their order, alignment, limits.
#include "contract.h"
#include <elf.h>

int main(int argc, char **argv, char **envp)
{
	if (argc < 3) {
		char *args[] = { "first", "", "third argument", NULL }, *env[] = { "A=1", "", "B", "A=2", NULL };
		execve("/proc/self/exe", args, env);
		return 9;
	}
	long *sp = (long *)(argv - 1);
	FACT("argc %ld, aligned to 16: %d", sp[0], (unsigned long)sp % 16 == 0);
	FACT("argv ends with null: %d, envp follows: %d", argv[argc] == NULL, envp == argv + argc + 1);
	int envs = 0;
	while (envp[envs])
		envs++;
	FACT("environment %d: '%s' '%s' '%s' '%s'", envs, envp[0], envp[1], envp[2], envp[3]);
	Elf64_auxv_t *aux = (Elf64_auxv_t *)(envp + envs + 1);
	int n = 0, seen[64] = { 0 }, twice = 0;
	char *random = NULL, *execfn = NULL, *platform = NULL;
	for (; aux[n].a_type != AT_NULL; n++) {
		if (aux[n].a_type < 64)
			twice += seen[aux[n].a_type]++;
		if (aux[n].a_type == AT_RANDOM)
			random = (char *)aux[n].a_un.a_val;
		if (aux[n].a_type == AT_EXECFN)
			execfn = (char *)aux[n].a_un.a_val;
		if (aux[n].a_type == AT_PLATFORM)
			platform = (char *)aux[n].a_un.a_val;
	}
	IS("the auxiliary vector follows and ends", n > 10 && n < 40 && twice == 0);
	int needed[] = { AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS, AT_ENTRY, AT_UID, AT_EUID, AT_GID, AT_EGID, AT_HWCAP,
		AT_CLKTCK, AT_SECURE, AT_RANDOM, AT_EXECFN, AT_PLATFORM, AT_SYSINFO_EHDR, AT_HWCAP2, AT_MINSIGSTKSZ };
	for (int i = 0; i < COUNT_OF(needed); i++)
		if (!seen[needed[i]])
			FACT("missing: %d", needed[i]);
	IS("strings above the vector", argv[0] > (char *)(aux + n));
	IS("arguments are contiguous", argv[1] == argv[0] + 6 && argv[2] == argv[1] + 1);
	IS("then the environment", envp[0] == argv[2] + strlen(argv[2]) + 1 && envp[1] == envp[0] + 4);
	IS("then the file's name", execfn == envp[3] + 4);
	FACT("it is %s", execfn);
	IS("which ends the stack", ((unsigned long)execfn + strlen(execfn) + 1 + 8) % page() == 0);
	IS("platform and random bytes are between", platform > (char *)(aux + n) && platform < argv[0] && random > (char *)(aux + n) && random < argv[0]);
	int zero = 0;
	for (int i = 0; i < 16; i++)
		zero += random[i] == 0;
	IS("random", zero < 8);
	char line[32];
	snprintf(line, sizeof line, "[stack]");
	char *maps = strstr(get_file("/proc/self/maps"), line);
	IS("there is a [stack]", maps != NULL);
	int personality = syscall(SYS_personality, 0xffffffff);
	FACT("personality %#x", personality);
}
