// dlopen(3), dl_iterate_phdr(3): libraries loaded at run time, symbols, versions, errors, weak ones, the vDSO.
// libc: glibc
#include "contract.h"
#include <dlfcn.h>
#include <link.h>

static int count(struct dl_phdr_info *info, size_t size, void *arg)
{
	int *n = arg;
	n[0]++;
	n[1] += strstr(info->dlpi_name, "libm.so") != NULL;
	n[2] += strstr(info->dlpi_name, "vdso") != NULL || info->dlpi_name[0] == 0;
	return 0;
}

int main(void)
{
	int n[3] = { 0 };
	IS("libm is not there", strstr(get_file("/proc/self/maps"), "libm.so") == NULL);
	void *m = dlopen("libm.so.6", RTLD_NOW);
	IS("dlopen", m != NULL);
	IS("now it is", strstr(get_file("/proc/self/maps"), "libm.so") != NULL);
	double (*cosine)(double) = (double (*)(double))dlsym(m, "cos");
	FACT("cos(0) = %.1f", cosine(0));
	double (*power)(double, double) = (double (*)(double, double))dlvsym(m, "pow", "GLIBC_2.29");
	FACT("pow(2, 10) = %.0f", power(2, 10));
	IS("no such symbol", dlsym(m, "nothing_like_it") == NULL);
	FACT("%s", strrchr(dlerror(), ':') + 2);
	IS("no such library", dlopen("libnothing.so", RTLD_LAZY) == NULL);
	FACT("%s", strrchr(dlerror(), ':') + 2);
	put_file("not-elf.so", "text");
	IS("no ELF file", dlopen("./not-elf.so", RTLD_LAZY) == NULL);
	FACT("%s", strrchr(dlerror(), ':') + 2);
	Dl_info info;
	IS("dladdr", dladdr((void *)cosine, &info) != 0 && strstr(info.dli_fname, "libm.so.6") != NULL);
	dl_iterate_phdr(count, n);
	FACT("objects %d, libm %d, the program and the vDSO %d", n[0], n[1], n[2]);
	IS("RTLD_NOLOAD", dlopen("libm.so.6", RTLD_NOW | RTLD_NOLOAD) == m);
	dlclose(m);
	FACT("dlclose %d", dlclose(m));
	IS("unmapped", strstr(get_file("/proc/self/maps"), "libm.so") == NULL);
	void *self = dlopen(NULL, RTLD_NOW);
	IS("the program itself", self != NULL && dlsym(self, "malloc") != NULL);
	IS("text is not writable", ({
		char line[512] = "";
		for (char *p = get_file("/proc/self/maps"); p != NULL; p = strchr(p, '\n'), p = p ? p + 1 : p)
			if (strstr(p, "rwxp") == p + strcspn(p, " ") + 1)
				strcpy(line, "writable");
		line[0] == 0;
	}));
	pid_t pid;
	CHILD(pid)
	{
		void *h = dlopen("libm.so.6", RTLD_NOW);
		pid_t inner;
		CHILD(inner) { FACT("after fork: %.1f", ((double (*)(double))dlsym(h, "sqrt"))(16)); }
		ENDED("inner", inner);
	}
	REAP(pid);
}
