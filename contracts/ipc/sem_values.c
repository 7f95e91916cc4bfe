// semget(2), semctl(2): sets, values, ranges, errors.
#include "contract.h"
#include <sys/sem.h>

union semun { int val; struct semid_ds *buf; unsigned short *array; };

int main(void)
{
	key_t key = 0x53454d31;
	CALL("no such key", semget(key, 1, 0));
	CALL("no semaphores", semget(key, 0, IPC_CREAT | 0600));
	CALL("too many", semget(key, 32001, IPC_CREAT | 0600));
	int id = MUST(semget(key, 3, IPC_CREAT | IPC_EXCL | 0640));
	CALL("exclusive", semget(key, 3, IPC_CREAT | IPC_EXCL | 0640));
	CALL("more than it has", semget(key, 4, 0));
	IS("fewer", semget(key, 0, 0) == id);
	CALL("initial value", semctl(id, 0, GETVAL));
	CALL("SETVAL", semctl(id, 1, SETVAL, (union semun){ .val = 5 }));
	CALL("GETVAL", semctl(id, 1, GETVAL));
	CALL("SETVAL -1", semctl(id, 1, SETVAL, (union semun){ .val = -1 }));
	CALL("SETVAL 32767", semctl(id, 2, SETVAL, (union semun){ .val = 32767 }));
	CALL("SETVAL 32768", semctl(id, 2, SETVAL, (union semun){ .val = 32768 }));
	unsigned short all[3] = { 1, 2, 3 };
	CALL("SETALL", semctl(id, 0, SETALL, (union semun){ .array = all }));
	memset(all, 0, sizeof all);
	CALL("GETALL", semctl(id, 0, GETALL, (union semun){ .array = all }));
	FACT("%d %d %d", all[0], all[1], all[2]);
	IS("GETPID is who set it", semctl(id, 1, GETPID) == getpid());
	CALL("GETNCNT", semctl(id, 1, GETNCNT));
	CALL("GETZCNT", semctl(id, 1, GETZCNT));
	CALL("index too high", semctl(id, 3, GETVAL));
	CALL("index negative", semctl(id, -1, GETVAL));
	struct semid_ds d;
	CALL("IPC_STAT", semctl(id, 0, IPC_STAT, (union semun){ .buf = &d }));
	FACT("semaphores %d mode %o; operated on: %d", (int)d.sem_nsems, d.sem_perm.mode, d.sem_otime != 0);
	struct sembuf up = { 0, 1, 0 };
	CALL("semop", semop(id, &up, 1));
	semctl(id, 0, IPC_STAT, (union semun){ .buf = &d });
	IS("sem_otime is set", d.sem_otime != 0);
	CALL("IPC_RMID", semctl(id, 0, IPC_RMID));
	CALL("gone", semctl(id, 0, GETVAL));
}
