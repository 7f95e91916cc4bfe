// semop(2): sleepers for a decrease and for zero, their counts, order, a signal, the set's removal.
#include "contract.h"
#include <sys/sem.h>

static int id;
static pid_t sleeper(int change)
{
	pid_t pid;
	CHILD(pid)
	{
		note_signal(SIGUSR1, SA_RESTART);
		struct sembuf op = { 0, change, 0 };
		_exit(semop(id, &op, 1) == 0 ? 0 : errno);
	}
	return pid;
}
static void result(const char *name, pid_t pid) { FACT("%s: %s", name, errno_name(WEXITSTATUS(REAP(pid)))); }

int main(void)
{
	id = MUST(semget(IPC_PRIVATE, 1, 0600));
	semctl(id, 0, SETVAL, 1);
	pid_t down = sleeper(-2);
	EVENTUALLY(semctl(id, 0, GETNCNT) == 1);
	pid_t zero = sleeper(0);
	EVENTUALLY(semctl(id, 0, GETZCNT) == 1);
	FACT("waiting %d, for zero %d", semctl(id, 0, GETNCNT), semctl(id, 0, GETZCNT));
	struct sembuf up = { 0, 1, 0 };
	semop(id, &up, 1);
	result("the decrease", down);
	result("the wait for zero", zero);
	FACT("value %d, waiting %d %d", semctl(id, 0, GETVAL), semctl(id, 0, GETNCNT), semctl(id, 0, GETZCNT));
	pid_t interrupted = sleeper(-1);
	EVENTUALLY(semctl(id, 0, GETNCNT) == 1);
	kill(interrupted, SIGUSR1);
	result("a signal, SA_RESTART", interrupted);
	pid_t killed = sleeper(-1);
	EVENTUALLY(semctl(id, 0, GETNCNT) == 1);
	kill(killed, SIGKILL);
	REAP(killed);
	FACT("waiting after the kill %d", semctl(id, 0, GETNCNT));
	pid_t set = sleeper(-3);
	EVENTUALLY(semctl(id, 0, GETNCNT) == 1);
	semctl(id, 0, SETVAL, 3);
	result("SETVAL wakes", set);
	pid_t removed = sleeper(-1);
	EVENTUALLY(semctl(id, 0, GETNCNT) == 1);
	semctl(id, 0, IPC_RMID);
	result("removed", removed);
}
