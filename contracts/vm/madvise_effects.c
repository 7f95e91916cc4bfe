// madvise(2): MADV_DONTNEED zeroes private memory and rereads files; MADV_FREE, WIPEONFORK, DONTFORK; errors.
#include "contract.h"

int main(void)
{
	size_t n = page();
	char *m = pages(2, PROT_READ | PROT_WRITE);
	memset(m, 1, 2 * n);
	CALL("MADV_DONTNEED", madvise(m, n, MADV_DONTNEED));
	FACT("%d %d", m[0], m[n]);
	put_file("f", "file");
	int fd = open("f", O_RDWR);
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	p[0] = 'X';
	madvise(p, n, MADV_DONTNEED);
	FACT("private file mapping: %.4s", p);
	char *s = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s[0] = 3;
	madvise(s, n, MADV_DONTNEED);
	FACT("shared keeps its content: %d", s[0]);
	CALL("MADV_REMOVE of shared memory", madvise(s, n, MADV_REMOVE));
	FACT("then %d", s[0]);
	CALL("MADV_WIPEONFORK", madvise(m + n, n, 18));
	pid_t pid;
	CHILD(pid) { FACT("in the child %d", m[n]); }
	REAP(pid);
	FACT("in the parent %d", m[n]);
	CALL("MADV_DONTFORK", madvise(m, n, MADV_DONTFORK));
	CHILD(pid) { FAULTS("in the child", m[0]); }
	REAP(pid);
	CALL("odd address", madvise(m + 1, n, MADV_DONTNEED));
	CALL("unknown advice", madvise(m, n, 9999));
	CALL("unmapped", madvise((void *)0x10000000, n, MADV_DONTNEED));
	CALL("length 0", madvise(m, 0, MADV_DONTNEED));
	CALL("MADV_WILLNEED", madvise(m, n, MADV_WILLNEED));
	CALL("MADV_FREE", madvise(m, n, 8));
	CALL("MADV_FREE of a file", madvise(p, n, 8));
}
