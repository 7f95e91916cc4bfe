// proc(5), sysinfo(2): /proc/meminfo: keys, units, order, and that the numbers fit together.
#include "contract.h"
#include <sys/sysinfo.h>

static long value(const char *key)
{
	char name[32];
	snprintf(name, sizeof name, "%s:", key);
	return atol(line_of(get_file("/proc/meminfo"), name));
}

int main(void)
{
	char *text = get_file("/proc/meminfo");
	const char *keys[] = { "MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "SwapCached", "Active", "Inactive",
		"SwapTotal", "SwapFree", "Dirty", "Writeback", "AnonPages", "Mapped", "Shmem", "Slab", "SReclaimable",
		"KernelStack", "PageTables", "CommitLimit", "Committed_AS", "VmallocTotal" };
	long last = -1;
	for (int i = 0; i < COUNT_OF(keys); i++) {
		char name[40];
		snprintf(name, sizeof name, "\n%s:", keys[i]);
		char *p = i == 0 ? text : strstr(text, name);
		char *rest = p ? line_of(p + (i > 0), name + 1) : "none";
		FACT("%s: in order %d, kB %d", keys[i], p != NULL && p - text > last, strstr(rest, " kB") != NULL);
		last = p ? p - text : last;
	}
	IS("MemTotal is first", strncmp(text, "MemTotal: ", 10) == 0);
	IS("free is less than total", value("MemFree") < value("MemTotal") && value("MemFree") > 0);
	IS("available is less than total", value("MemAvailable") < value("MemTotal") && value("MemAvailable") > 0);
	FACT("swap %ld %ld", value("SwapTotal"), value("SwapFree"));
	struct sysinfo s;
	CALL("sysinfo", sysinfo(&s));
	IS("the same total", s.totalram * s.mem_unit / 1024 == (unsigned long)value("MemTotal"));
	FACT("mem_unit %u swap %lu high %lu", s.mem_unit, s.totalswap, s.totalhigh);
	IS("processes", s.procs > 1);
	IS("uptime", s.uptime > 0);
	long before = value("MemFree");
	char *p = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	WITHIN("16 MB less", before - value("MemFree"), 12 << 10, 24 << 10);
	munmap(p, 16 << 20);
}
