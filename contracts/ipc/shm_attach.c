// shmat(2), shmdt(2): addresses, read-only, counts, removal while attached.
#include "contract.h"
#include <sys/shm.h>

static int id;
static int attached(void)
{
	struct shmid_ds d;
	return shmctl(id, IPC_STAT, &d) == -1 ? -1 : (int)d.shm_nattch;
}

int main(void)
{
	id = MUST(shmget(IPC_PRIVATE, 2 * page() - 100, 0600));
	char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, 0);
	IS("two places", a != b && a != (void *)-1);
	strcpy(a, "hello");
	FACT("shared '%s', attached %d", b, attached());
	FACT("the rest is zero: %d", a[2 * page() - 1]);
	char *ro = shmat(id, NULL, SHM_RDONLY);
	FACT("read-only '%s'", ro);
	FAULTS("write to it", ro[0] = 'x');
	CALL("not page aligned", (long)shmat(id, (void *)0x12345, 0));
	IS("SHM_RND rounds down", shmat(id, ro + 2 * page() + 5, SHM_RND | SHM_REMAP) == ro + 2 * page());
	CALL("occupied", (long)shmat(id, a, 0));
	IS("SHM_REMAP replaces", shmat(id, b, SHM_REMAP) == b);
	FACT("attached %d", attached());
	CALL("shmdt", shmdt(b));
	CALL("shmdt again", shmdt(b));
	CALL("shmdt inside", shmdt(a + page()));
	FACT("attached %d", attached());
	CALL("IPC_RMID while attached", shmctl(id, IPC_RMID, NULL));
	struct shmid_ds d;
	CALL("still there", shmctl(id, IPC_STAT, &d));
	FACT("mode %o key %d", d.shm_perm.mode, d.shm_perm.__key);
	FACT("usable '%s'", a);
	shmdt(a);
	shmdt(ro);
	shmdt(ro + 2 * page());
	CALL("gone with the last", shmctl(id, IPC_STAT, &d));
	CALL("attach", (long)shmat(id, NULL, 0));
}
