// mprotect(2): each protection against each access; splitting; errors.
#include "contract.h"

int main(void)
{
	size_t n = page();
	volatile char *m = pages(3, PROT_READ | PROT_WRITE);
	memset((void *)m, 1, 3 * n);
	CALL("middle to read-only", mprotect((void *)(m + n), n, PROT_READ));
	FAULTS("write before", m[0] = 2);
	FAULTS("write in the middle", m[n] = 2);
	FAULTS("write after", m[2 * n] = 2);
	FAULTS("read of the middle", m[n]);
	CALL("to none", mprotect((void *)m, 3 * n, PROT_NONE));
	FAULTS("read", m[0]);
	CALL("back", mprotect((void *)m, 3 * n, PROT_READ | PROT_WRITE));
	FACT("content %d %d %d", m[0], m[n], m[2 * n]);
	CALL("odd address", mprotect((void *)(m + 1), n, PROT_READ));
	CALL("length 0", mprotect((void *)m, 0, PROT_READ));
	CALL("bad protection", mprotect((void *)m, n, 0x100000));
	munmap((void *)(m + n), n);
	CALL("across a hole", mprotect((void *)m, 3 * n, PROT_READ));
	FAULTS("changed before the hole", m[0] = 1);
	FAULTS("not after", m[2 * n] = 1);
	put_file("f", "text");
	int fd = open("f", O_RDONLY);
	void *f = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	CALL("make a shared mapping of a read-only file writable", mprotect(f, n, PROT_READ | PROT_WRITE));
	int pipefd[2];
	pipe(pipefd);
	mprotect((void *)m, n, PROT_NONE);
	CALL("write(2) from PROT_NONE", write(pipefd[1], (void *)m, 1));
}
