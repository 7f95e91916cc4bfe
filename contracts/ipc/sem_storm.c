// semop(2): a mutex of System V between processes loses no update and no wakeup.
#include "contract.h"
#include <sys/sem.h>

int main(void)
{
	int id = MUST(semget(IPC_PRIVATE, 2, 0600));
	volatile int *count = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[4];
	for (int k = 0; k < 4; k++)
		CHILD(pid[k])
		{
			struct sembuf start = { 1, -1, 0 }, down = { 0, -1, SEM_UNDO }, up = { 0, 1, SEM_UNDO };
			semop(id, &start, 1);
			for (int i = 0; i < 100; i++) {
				MUST(semop(id, &down, 1));
				int v = *count;
				if (i % 10 == 0)
					sched_yield();
				*count = v + 1;
				MUST(semop(id, &up, 1));
			}
		}
	EVENTUALLY(semctl(id, 1, GETNCNT) == 4);
	struct sembuf go[2] = { { 0, 1, 0 }, { 1, 4, 0 } };
	semop(id, go, 2);
	for (int k = 0; k < 4; k++)
		ENDED("process", pid[k]);
	FACT("count %d, semaphore %d", *count, semctl(id, 0, GETVAL));
	semctl(id, 0, IPC_RMID);
}
