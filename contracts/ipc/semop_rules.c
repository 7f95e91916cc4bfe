// semop(2): several operations happen together or not at all; IPC_NOWAIT; errors; timeouts.
#include "contract.h"
#include <sys/sem.h>

static int id;
static void values(const char *name)
{
	FACT("%s: %d %d", name, semctl(id, 0, GETVAL), semctl(id, 1, GETVAL));
}

int main(void)
{
	id = MUST(semget(IPC_PRIVATE, 2, 0600));
	struct sembuf both[2] = { { 0, 2, 0 }, { 1, 1, 0 } };
	CALL("two up", semop(id, both, 2));
	values("values");
	struct sembuf half[2] = { { 0, -1, IPC_NOWAIT }, { 1, -2, IPC_NOWAIT } };
	CALL("one would block", semop(id, half, 2));
	values("nothing happened");
	struct sembuf same[3] = { { 0, -2, IPC_NOWAIT }, { 0, 0, IPC_NOWAIT }, { 0, 3, 0 } };
	CALL("in order on the same", semop(id, same, 3));
	values("values");
	struct sembuf zero = { 1, 0, IPC_NOWAIT };
	CALL("is it zero", semop(id, &zero, 1));
	CALL("no operations", semop(id, both, 0));
	CALL("too many operations", semop(id, both, 501));
	CALL("bad pointer", semop(id, BAD_POINTER, 1));
	struct sembuf high = { 2, 1, 0 };
	CALL("no such semaphore", semop(id, &high, 1));
	struct sembuf big[2] = { { 0, 32767, 0 }, { 0, 32767, 0 } };
	CALL("over the maximum", semop(id, big, 2));
	values("values");
	struct sembuf down = { 1, -5, 0 };
	struct timespec short_time = { 0, 20000000 }, bad = { 0, 1000000000 };
	long long start = now_ms();
	CALL("semtimedop", syscall(SYS_semtimedop, id, &down, 1, &short_time));
	IS("waited", now_ms() - start >= 20);
	CALL("a bad time", syscall(SYS_semtimedop, id, &down, 1, &bad));
	CALL("bad id", semop(-1, &down, 1));
	semctl(id, 0, IPC_RMID);
	CALL("removed", semop(id, &down, 1));
}
