// getrlimit(2): RLIMIT_AS and RLIMIT_DATA against mmap, brk, mremap; sizes that never fit.
#include "contract.h"

static long size_pages(void)
{
	long v = 0;
	sscanf(get_file("/proc/self/statm"), "%ld", &v);
	return v;
}
static void *more(size_t n, int prot) { return mmap(NULL, n, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

int main(void)
{
	pid_t pid;
	size_t n = page();
	get_file("/proc/self/statm");
	CHILD(pid)
	{
		struct rlimit r = { (size_pages() + 64) * n, RLIM_INFINITY };
		MUST(setrlimit(RLIMIT_AS, &r));
		char *p = more(60 * n, PROT_READ | PROT_WRITE);
		IS("within RLIMIT_AS", p != MAP_FAILED);
		CALL("beyond", (long)more(10 * n, PROT_READ));
		CALL("PROT_NONE counts", (long)more(10 * n, PROT_NONE));
		CALL("mremap beyond", (long)mremap(p, 60 * n, 80 * n, MREMAP_MAYMOVE));
		IS("shrinking frees", mremap(p, 60 * n, 30 * n, 0) == p);
		IS("and there is room", more(10 * n, PROT_READ) != MAP_FAILED);
		IS("replacing needs none", mmap(p, 30 * n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
		void *old = (void *)syscall(SYS_brk, 0);
		IS("brk beyond stays", (void *)syscall(SYS_brk, (char *)old + 100 * n) == old);
	}
	REAP(pid);
	CHILD(pid)
	{
		struct rlimit r = { 128 * n, RLIM_INFINITY };
		MUST(setrlimit(RLIMIT_DATA, &r));
		CALL("RLIMIT_DATA: writable and private", (long)more(200 * n, PROT_READ | PROT_WRITE));
		char *p = more(200 * n, PROT_READ);
		IS("read-only is free", p != MAP_FAILED);
		CALL("until it is made writable", mprotect(p, 200 * n, PROT_READ | PROT_WRITE));
		IS("shared is free", mmap(NULL, 200 * n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
		void *old = (void *)syscall(SYS_brk, 0);
		IS("brk", (void *)syscall(SYS_brk, (char *)old + 200 * n) == old);
	}
	REAP(pid);
	CALL("a size that wraps", (long)more(-n, PROT_READ));
	CALL("the whole address space", (long)more(1ul << 48, PROT_READ));
	CALL("more than there is, writable", (long)more(1ul << 45, PROT_READ | PROT_WRITE));
	CALL("mmap of size 0", (long)more(0, PROT_READ));
}
