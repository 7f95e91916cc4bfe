// ipc_namespaces(7): a new one has no keys of the old; what is mapped stays.
#include "contract.h"
#include <sys/sem.h>
#include <sys/shm.h>

int main(void)
{
	int id = MUST(shmget(0x4e53, 4096, IPC_CREAT | 0600)), sem = MUST(semget(0x4e53, 1, IPC_CREAT | 0600));
	char *p = shmat(id, NULL, 0);
	strcpy(p, "outside");
	pid_t pid;
	CHILD(pid)
	{
		CALL("unshare", unshare(CLONE_NEWIPC));
		CALL("the key", shmget(0x4e53, 4096, 0));
		CALL("the semaphore's key", semget(0x4e53, 1, 0));
		struct shmid_ds d;
		CALL("the id", shmctl(id, IPC_STAT, &d));
		FACT("the memory stays: %s", p);
		OK("a key of its own", shmget(0x4e53, 100, IPC_CREAT | IPC_EXCL | 0600));
		strcpy(p, "inside");
	}
	ENDED("child", pid);
	FACT("memory %s", p);
	IS("the key outside", shmget(0x4e53, 0, 0) == id);
	CHILD(pid)
	{
		MUST(setuid(1000));
		CALL("unshare as a user", unshare(CLONE_NEWIPC));
	}
	REAP(pid);
	shmctl(id, IPC_RMID, NULL);
	semctl(sem, 0, IPC_RMID);
}
