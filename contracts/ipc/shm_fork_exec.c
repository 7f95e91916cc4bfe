// shmat(2): a child inherits attachments, exec and exit drop them, munmap counts as detaching.
#include "contract.h"
#include <sys/shm.h>

static int attached(int id)
{
	struct shmid_ds d;
	MUST(shmctl(id, IPC_STAT, &d));
	return d.shm_nattch;
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		FACT("after exec: attached %d", attached(atoi(argv[1])));
		return 0;
	}
	int id = MUST(shmget(IPC_PRIVATE, page(), 0600));
	_Atomic int *p = (void *)MUST(shmat(id, NULL, 0));
	pid_t pid;
	CHILD(pid)
	{
		FACT("in the child: attached %d", attached(id));
		*p = 42;
		_exit(0);
	}
	REAP(pid);
	FACT("the child wrote %d; attached %d", *p, attached(id));
	struct shmid_ds d;
	shmctl(id, IPC_STAT, &d);
	IS("the last to detach was the child", d.shm_lpid == pid);
	CHILD(pid)
	{
		char text[16];
		snprintf(text, sizeof text, "%d", id);
		execl("/proc/self/exe", "x", text, NULL);
	}
	REAP(pid);
	CHILD(pid)
	{
		shmdt((void *)p);
		FACT("the child detached: %d", attached(id));
	}
	REAP(pid);
	CALL("munmap", munmap((void *)p, page()));
	FACT("attached %d", attached(id));
	CALL("remove", shmctl(id, IPC_RMID, NULL));
}
