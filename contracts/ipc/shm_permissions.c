// shmget(2), shmat(2), shmctl(2): the mode decides for other users; only the owner changes.
#include "contract.h"
#include <sys/shm.h>

int main(void)
{
	int rw = MUST(shmget(0x5101, 4096, IPC_CREAT | 0600)), r = MUST(shmget(0x5102, 4096, IPC_CREAT | 0604));
	int given = MUST(shmget(0x5103, 4096, IPC_CREAT | 0600));
	struct shmid_ds d;
	shmctl(given, IPC_STAT, &d);
	d.shm_perm.uid = 1000;
	MUST(shmctl(given, IPC_SET, &d));
	pid_t pid;
	CHILD(pid)
	{
		setgid(1000);
		MUST(setuid(1000));
		CALL("get without wanting rights", shmget(0x5101, 4096, 0) == rw);
		CALL("get for reading", shmget(0x5101, 4096, 0444));
		CALL("attach", (long)shmat(rw, NULL, SHM_RDONLY));
		CALL("stat", shmctl(rw, IPC_STAT, &d));
		IS("the readable: get for reading", shmget(0x5102, 4096, 0444) == r);
		CALL("get for writing", shmget(0x5102, 4096, 0666));
		OK("attach read-only", (long)shmat(r, NULL, SHM_RDONLY));
		CALL("attach", (long)shmat(r, NULL, 0));
		CALL("stat", shmctl(r, IPC_STAT, &d));
		CALL("set", shmctl(r, IPC_SET, &d));
		CALL("remove", shmctl(r, IPC_RMID, NULL));
		OK("the given: attach", (long)shmat(given, NULL, 0));
		CALL("remove", shmctl(given, IPC_RMID, NULL));
	}
	REAP(pid);
	CALL("root attaches whatever the mode", shmctl(rw, IPC_STAT, &d));
	shmctl(rw, IPC_RMID, NULL);
	shmctl(r, IPC_RMID, NULL);
}
