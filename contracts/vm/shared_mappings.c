// mmap(2): shared mappings of a file and of memory: between processes and addresses, after unlink, unmap, close and the parent's end.
#include "contract.h"

int main(void)
{
	size_t n = page();
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	ftruncate(fd, 3 * n);
	char *a = mmap(NULL, 3 * n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *b = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, n);
	char *private = mmap(NULL, 3 * n, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	strcpy(a + n, "through a");
	FACT("at another address: %s", b);
	FACT("a private one that was not written: %s", private + n);
	private[n] = 'T';
	strcpy(a + n, "again");
	FACT("after its own write: %.4s, the next page %d", private + n, private[2 * n]);
	pwrite(fd, "written", 8, 2 * n);
	FACT("write shows: %s %s", a + 2 * n, private + 2 * n);
	pid_t pid;
	CHILD(pid)
	{
		strcpy(a, "child");
		private[0] = 'x';
		munmap(a, 3 * n);
	}
	REAP(pid);
	FACT("after a child wrote and unmapped: %s %d", a, private[0] == 'c');
	unlink("f");
	close(fd);
	strcpy(a, "unlinked");
	FACT("closed and unlinked: %s", a);
	CHILD(pid)
	{
		FACT("inherited: %s", a);
	}
	REAP(pid);
	munmap(a, n);
	FAULTS("the unmapped part", *(volatile char *)a);
	FACT("the rest: %s", a + n);
	_Atomic int *m = mmap(NULL, 2 * n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHILD(pid)
	{
		pid_t inner;
		CHILD(inner) { m[n / 4] = 7; }
		REAP(inner);
		m[0] = m[n / 4] + 1;
		mprotect((void *)m, n, PROT_READ);
	}
	REAP(pid);
	FACT("anonymous, by a grandchild: %d %d", m[0], m[n / 4]);
	m[0] = 1;
	madvise((void *)m, n, MADV_DONTNEED);
	FACT("MADV_DONTNEED keeps what is shared: %d", m[0]);
	CALL("MADV_REMOVE", madvise((void *)m, n, MADV_REMOVE));
	FACT("punches a hole: %d", m[0]);
	int ro = open("g", O_RDONLY | O_CREAT, 0644);
	CALL("shared and writable of a read-only descriptor", (long)mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0));
	char *r = mmap(NULL, n, PROT_READ, MAP_SHARED, ro, 0);
	CALL("made writable", mprotect(r, n, PROT_READ | PROT_WRITE));
	IS("private may be", mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0) != MAP_FAILED);
	FAULTS("beyond the end of an empty file", *(volatile char *)r);
	int wo = open("g", O_WRONLY);
	CALL("of a write-only descriptor", (long)mmap(NULL, n, PROT_WRITE, MAP_SHARED, wo, 0));
}
