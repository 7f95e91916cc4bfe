// fork(2), wait(2): a hundred children, and a chain of ten generations.
#include "contract.h"

static int descend(int depth)
{
	if (depth == 0)
		return 1;
	pid_t pid = MUST(fork());
	if (pid == 0)
		_exit(descend(depth - 1));
	return WEXITSTATUS(REAP(pid)) + 1;
}

int main(void)
{
	pid_t pids[100];
	for (int i = 0; i < 100; i++)
		CHILD(pids[i]) { _exit(i); }
	int right = 0;
	for (int i = 0; i < 100; i++)
		right += WEXITSTATUS(REAP(pids[i])) == i;
	FACT("%d of 100 statuses right", right);
	CALL("no child is left", wait(NULL));
	FACT("generations: %d", descend(10));
}
