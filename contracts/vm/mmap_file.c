// mmap(2): file mappings: shared writes reach the file, private do not; the tail of the last page; beyond the end.
#include "contract.h"

int main(void)
{
	size_t n = page();
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	write(fd, "hello", 5);
	char *s = mmap(NULL, 2 * n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	FACT("'%.5s' then %d", s, s[5]);
	s[0] = 'J';
	FACT("file '%s', private mapping '%.5s'", get_file("f"), p);
	p[1] = 'u';
	FACT("file '%s', shared mapping '%.5s'", get_file("f"), s);
	pwrite(fd, "XY", 2, 2);
	FACT("after a write: shared '%.5s', private (copied) '%.5s'", s, p);
	s[10] = 'z';
	struct stat st;
	fstat(fd, &st);
	FACT("a store beyond the end leaves the size %ld", (long)st.st_size);
	FAULTS("the page beyond", s[n]);
	ftruncate(fd, 2 * n);
	FACT("after growing: %d, tail %d", s[n], s[10]);
	close(fd);
	s[0] = 'K';
	FACT("the mapping outlives the descriptor: '%.5s'", get_file("f"));
	unlink("f");
	FACT("and the name: '%.5s'", s);
	CALL("msync", msync(s, n, MS_SYNC));
}
