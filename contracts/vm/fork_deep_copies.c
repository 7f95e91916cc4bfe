// fork(2): copy-on-write through five generations, partial unmaps, private file pages, exec in between, many writers.
#include "contract.h"

static char *p, *file;
static size_t n;
static void generation(int depth)
{
	for (int i = 0; i < 8; i++)
		if (p[i * n] != (i < depth ? 'A' + i : 'a' + i))
			_exit(100 + depth);
	p[depth * n] = 'A' + depth;
	file[depth * n] = 'F';
	if (depth == 5)
		_exit(0);
	pid_t pid = fork();
	if (pid == 0)
		generation(depth + 1);
	int status = REAP(pid);
	for (int i = 0; i < 8; i++)
		if (p[i * n] != (i <= depth ? 'A' + i : 'a' + i))
			_exit(50 + depth);
	for (int i = 0; i < 8; i++)
		if (file[i * n] != (i <= depth ? 'F' : 'f'))
			_exit(60 + depth);
	if (depth > 0)
		_exit(WEXITSTATUS(status));
	SAY_STATUS("generations", status);
}

int main(void)
{
	n = page();
	p = pages(8, PROT_READ | PROT_WRITE);
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	for (int i = 0; i < 8; i++) {
		p[i * n] = 'a' + i;
		pwrite(fd, "f", 1, i * n);
	}
	ftruncate(fd, 8 * n);
	file = mmap(NULL, 8 * n, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	generation(0);
	char c;
	pread(fd, &c, 1, 0);
	FACT("the file itself: %c", c);
	pid_t kids[8];
	for (int k = 0; k < 8; k++)
		CHILD(kids[k])
		{
			int bad = 0;
			for (int round = 0; round < 50; round++)
				for (int i = 0; i < 8; i++) {
					bad += round > 0 && p[i * n + 8] != (char)(k + round - 1);
					p[i * n + 8] = k + round;
				}
			_exit(bad);
		}
	for (int k = 0; k < 8; k++)
		ENDED("writer", kids[k]);
	FACT("ours is untouched: %d", p[8]);
	pid_t pid;
	CHILD(pid)
	{
		munmap(p + n, 3 * n);
		p[5 * n] = 'Z';
		CHILD(pid) { FACT("after unmapping: %c %c", p[0], p[5 * n]); }
		REAP(pid);
		FAULTS("the hole", *(volatile char *)(p + n));
	}
	REAP(pid);
	FACT("ours is whole: %c %c", p[n], p[5 * n]);
	CHILD(pid)
	{
		mprotect(p, 8 * n, PROT_READ);
		CHILD(pid)
		{
			mprotect(p, 8 * n, PROT_READ | PROT_WRITE);
			p[0] = 'M';
			FACT("made writable in a child: %c", p[0]);
		}
		REAP(pid);
		FACT("its parent: %c", p[0]);
		FAULTS("still read-only", p[0] = 1);
	}
	REAP(pid);
}
