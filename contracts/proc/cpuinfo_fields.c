// proc(5): /proc/cpuinfo: the keys that programs look for, one block a processor.
#include "contract.h"

int main(void)
{
	char *text = get_file("/proc/cpuinfo");
	int blocks = 0;
	for (char *p = text; (p = strstr(p, "processor\t:")) != NULL; p++)
		blocks++;
	IS("a block a processor", blocks == sysconf(_SC_NPROCESSORS_ONLN));
	FACT("the first: %s", line_of(text, "processor\t:"));
#ifdef __x86_64__
	const char *keys[] = { "vendor_id\t", "cpu family\t", "model\t", "model name\t", "stepping\t", "cpu MHz\t", "cache size\t",
		"physical id\t", "siblings\t", "core id\t", "cpu cores\t", "apicid\t", "fpu\t", "cpuid level\t", "flags\t",
		"bogomips\t", "clflush size\t", "address sizes\t" };
	char *flags = line_of(text, "flags\t\t:");
	IS("flags name fpu, tsc, sse2 and lm", strstr(flags, "fpu") && strstr(flags, "tsc") && strstr(flags, "sse2") && strstr(flags, " lm"));
#else
	const char *keys[] = { "BogoMIPS\t", "Features\t", "CPU implementer\t", "CPU architecture", "CPU variant\t", "CPU part\t",
		"CPU revision\t" };
	char *flags = line_of(text, "Features\t:");
	IS("features name fp and asimd", strstr(flags, "fp") && strstr(flags, "asimd"));
	FACT("architecture %s", line_of(text, "CPU architecture:"));
	FACT("implementer %s part %s", line_of(text, "CPU implementer\t:"), line_of(text, "CPU part\t:"));
#endif
	for (int i = 0; i < COUNT_OF(keys); i++) {
		char *p = strstr(text, keys[i]);
		FACT("%.*s: at a line's start %d, a colon follows %d", (int)strcspn(keys[i], "\t"), keys[i],
		     p != NULL && (p == text || p[-1] == '\n'), p != NULL && strchr("\t: ", p[strcspn(keys[i], "\t")]) != NULL);
	}
	struct stat st;
	stat("/proc/cpuinfo", &st);
	FACT("mode %o size %d", st.st_mode, (int)st.st_size);
}
