// fork(2): the child has a copy of the parent's private memory and shares what is mapped MAP_SHARED.
#include "contract.h"

static int global = 1;

int main(void)
{
	int local = 1, *heap = malloc(sizeof *heap);
	*heap = 1;
	int *shared = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	CHILD(pid)
	{
		FACT("child sees %d %d %d", global, local, *heap);
		global = local = *heap = 2;
		*shared = 7;
	}
	ENDED("child", pid);
	FACT("parent keeps %d %d %d", global, local, *heap);
	FACT("shared memory has %d", *shared);
	global = 3;
	CHILD(pid) { FACT("second child sees %d", global); }
	ENDED("second child", pid);
}
