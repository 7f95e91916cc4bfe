// mmap(2), ftruncate(2): pages beyond the new end fault, and are zero when the file grows again.
#include "contract.h"

int main(void)
{
	size_t n = page();
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	ftruncate(fd, 3 * n);
	char *s = mmap(NULL, 3 * n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *p = mmap(NULL, 3 * n, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	memset(s, 1, 3 * n);
	p[2 * n] = 9;
	ftruncate(fd, n / 2);
	FAULTS("shared, beyond", s[n]);
	FAULTS("private copy, beyond", p[2 * n]);
	FACT("before the end %d, in the page of the end %d", s[n / 2 - 1], s[n / 2]);
	ftruncate(fd, 3 * n);
	FACT("grown again: %d %d %d, private %d", s[n / 2], s[n], s[2 * n], p[2 * n]);
}
