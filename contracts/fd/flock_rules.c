// flock(2): belongs to the description; conversions; LOCK_NB; a fork shares it.
#include "contract.h"

int main(void)
{
	int a = open("f", O_RDWR | O_CREAT, 0644), b = open("f", O_RDONLY);
	CALL("shared", flock(a, LOCK_SH));
	CALL("shared by another", flock(b, LOCK_SH | LOCK_NB));
	CALL("upgrade refused", flock(a, LOCK_EX | LOCK_NB));
	CALL("the shared lock is gone then; exclusive by the other", flock(b, LOCK_EX | LOCK_NB));
	CALL("unlock", flock(b, LOCK_UN));
	CALL("exclusive on a read-only descriptor", flock(b, LOCK_EX));
	CALL("conflict", flock(a, LOCK_SH | LOCK_NB));
	pid_t pid;
	CHILD(pid) { CALL("child unlocks through the inherited descriptor", flock(b, LOCK_UN)); }
	REAP(pid);
	CALL("free now", flock(a, LOCK_EX | LOCK_NB));
	CALL("bad operation", flock(a, 16));
	CALL("nothing", flock(99, LOCK_SH));
	struct flock l = { .l_type = F_WRLCK };
	CALL("record locks do not conflict with it", fcntl(a, F_SETLK, &l));
}
