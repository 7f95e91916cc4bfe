// mmap(2), munmap(2): errors, in order of precedence.
#include "contract.h"

static long map(void *at, size_t n, int prot, int flags, int fd, off_t o)
{
	return (long)mmap(at, n, prot, flags, fd, o);
}

int main(void)
{
	put_file("f", "x");
	int r = open("f", O_RDONLY), w = open("f", O_WRONLY), p[2];
	pipe(p);
	OK("length 0", map(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK("neither shared nor private", map(0, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0));
	OK("both", map(0, 4096, PROT_READ, MAP_ANONYMOUS | MAP_SHARED | MAP_PRIVATE, -1, 0));
	OK("bad descriptor", map(0, 4096, PROT_READ, MAP_PRIVATE, 99, 0));
	OK("odd offset", map(0, 4096, PROT_READ, MAP_PRIVATE, r, 100));
	OK("write-only file", map(0, 4096, PROT_READ, MAP_PRIVATE, w, 0));
	OK("shared writable of a read-only file", map(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, r, 0));
	OK("private writable of a read-only file", map(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, r, 0));
	OK("pipe", map(0, 4096, PROT_READ, MAP_PRIVATE, p[0], 0));
	OK("directory", map(0, 4096, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0));
	OK("fixed at an odd address", map((void *)0x10000001, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	OK("larger than the address space", map(0, 1UL << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK("length that overflows", map(0, (size_t)-1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK("hint in the kernel's half", map((void *)0xffff800000000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK("fixed there", map((void *)0xffff800000000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	CALL("munmap at an odd address", munmap((void *)0x10000001, 4096));
	CALL("munmap of nothing", munmap((void *)0x10000000, 4096));
	CALL("munmap of length 0", munmap((void *)0x10000000, 0));
	char *m = pages(1, PROT_READ);
	OK("MAP_FIXED_NOREPLACE over a mapping", map(m, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1, 0));
}
