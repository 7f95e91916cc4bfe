// proc(5): /proc/self/statm, and VmSize, VmRSS, VmData, VmStk, VmLck of status follow what is mapped.
#include "contract.h"

static long statm(int n)
{
	long v[7] = { 0 };
	sscanf(get_file("/proc/self/statm"), "%ld %ld %ld %ld %ld %ld %ld", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6);
	return v[n];
}
static long status(const char *key) { return atol(line_of(get_file("/proc/self/status"), key)); }

int main(void)
{
	get_file("/proc/self/status"); // its buffer is there from now on
	long size = statm(0), resident = statm(1), data = statm(5);
	IS("pages of VmSize", status("VmSize:") * 1024 == size * (long)page());
	FACT("library %ld dirty %ld", statm(4), statm(6));
	char *p = pages(256, PROT_READ | PROT_WRITE);
	FACT("mapped 256: size %+ld data %+ld", statm(0) - size, statm(5) - data);
	WITHIN("resident meanwhile", statm(1) - resident, -70, 70);
	memset(p, 1, 256 * page());
	WITHIN("touched", statm(1) - resident, 180, 330);
	madvise(p, 256 * page(), MADV_DONTNEED);
	WITHIN("dropped", statm(1) - resident, -70, 70);
	mprotect(p, 128 * page(), PROT_READ);
	FACT("half read-only: data %+ld", statm(5) - data);
	munmap(p, 256 * page());
	FACT("unmapped: size %+ld data %+ld", statm(0) - size, statm(5) - data);
	FACT("VmLck %ld", status("VmLck:"));
	p = pages(4, PROT_READ | PROT_WRITE);
	mlock(p, 4 * page());
	FACT("locked 4 pages: VmLck %ld", status("VmLck:") * 1024 / (long)page());
	IS("VmPeak is at least VmSize", status("VmPeak:") >= status("VmSize:"));
	IS("VmHWM is at least VmRSS", status("VmHWM:") >= status("VmRSS:"));
	FACT("VmSwap %s", line_of(get_file("/proc/self/status"), "VmSwap:"));
	IS("VmStk", status("VmStk:") > 0);
	IS("VmExe", status("VmExe:") > 0);
}
