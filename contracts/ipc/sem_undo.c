// semop(2): SEM_UNDO is undone when the process ends, not by exec; SETVAL clears it; fork does not copy it.
#include "contract.h"
#include <sys/sem.h>

static int id;
static void undo(int change)
{
	struct sembuf op = { 0, change, SEM_UNDO };
	MUST(semop(id, &op, 1));
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		id = atoi(argv[1]);
		FACT("after exec %d", semctl(id, 0, GETVAL));
		return 0;
	}
	id = MUST(semget(IPC_PRIVATE, 1, 0600));
	semctl(id, 0, SETVAL, 10);
	pid_t pid;
	CHILD(pid)
	{
		undo(-3);
		undo(-1);
		undo(+2);
		FACT("in the child %d", semctl(id, 0, GETVAL));
	}
	REAP(pid);
	FACT("after its end %d", semctl(id, 0, GETVAL));
	CHILD(pid)
	{
		undo(-5);
		char text[16];
		snprintf(text, sizeof text, "%d", id);
		execl("/proc/self/exe", "x", text, NULL);
	}
	REAP(pid);
	FACT("after exec's end %d", semctl(id, 0, GETVAL));
	CHILD(pid)
	{
		undo(-4);
		semctl(id, 0, SETVAL, 6);
	}
	REAP(pid);
	FACT("SETVAL forgets what to undo: %d", semctl(id, 0, GETVAL));
	undo(-1);
	CHILD(pid) { FACT("a grandchild sees %d", semctl(id, 0, GETVAL)); }
	REAP(pid);
	FACT("its end undoes nothing of ours: %d", semctl(id, 0, GETVAL));
	CHILD(pid)
	{
		undo(-2);
		kill(getpid(), SIGKILL);
	}
	REAP(pid);
	FACT("after a kill %d", semctl(id, 0, GETVAL));
	semctl(id, 0, IPC_RMID);
}
