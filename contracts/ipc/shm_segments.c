// shmget(2), shmctl(2): keys, sizes, the fields of IPC_STAT, errors.
#include "contract.h"
#include <sys/shm.h>

int main(void)
{
	struct shmid_ds d;
	key_t key = 0x4b65764c;
	CALL("no such key", shmget(key, 4096, 0));
	int id = MUST(shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0640));
	CALL("exclusive", shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0640));
	IS("the same id", shmget(key, 0, 0) == id);
	CALL("larger than it is", shmget(key, 5001, 0));
	CALL("size 0", shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600));
	IS("IPC_PRIVATE is new each time", shmget(IPC_PRIVATE, 1, 0600) != shmget(IPC_PRIVATE, 1, 0600));
	CALL("IPC_STAT", shmctl(id, IPC_STAT, &d));
	FACT("size %zu mode %o attached %d", d.shm_segsz, d.shm_perm.mode, (int)d.shm_nattch);
	FACT("uid %d gid %d cuid %d", d.shm_perm.uid, d.shm_perm.gid, d.shm_perm.cuid);
	IS("creator", d.shm_cpid == getpid() && d.shm_lpid == 0);
	IS("never attached", d.shm_atime == 0 && d.shm_dtime == 0 && d.shm_ctime != 0);
	IS("key", d.shm_perm.__key == key);
	d.shm_perm.uid = 7;
	d.shm_perm.mode = 0604;
	CALL("IPC_SET", shmctl(id, IPC_SET, &d));
	shmctl(id, IPC_STAT, &d);
	FACT("uid %d cuid %d mode %o", d.shm_perm.uid, d.shm_perm.cuid, d.shm_perm.mode);
	CALL("bad id", shmctl(-1, IPC_STAT, &d));
	CALL("bad command", shmctl(id, 99, &d));
	CALL("bad pointer", shmctl(id, IPC_STAT, BAD_POINTER));
	CALL("IPC_RMID", shmctl(id, IPC_RMID, NULL));
	CALL("gone", shmctl(id, IPC_STAT, &d));
	CALL("its key too", shmget(key, 1, 0));
}
