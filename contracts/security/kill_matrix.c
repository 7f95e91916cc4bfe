// kill(2): the real or effective id of the sender against the real or saved id of the target; SIGCONT in a session.
#include "contract.h"

static void attempt(uid_t sr, uid_t se, uid_t tr, uid_t te, uid_t ts)
{
	struct gate ready = gate_new();
	pid_t target, sender;
	CHILD(target)
	{
		setsid();
		MUST(setresuid(tr, te, ts));
		gate_open(ready);
		pause();
	}
	gate_wait(ready);
	CHILD(sender)
	{
		MUST(setresuid(sr, se, 77));
		errno = 0;
		int r = kill(target, 0), e = errno;
		int c = kill(target, SIGCONT);
		FACT("sender %d/%d, target %d/%d/%d: %s, SIGCONT %s", (int)sr, (int)se, (int)tr, (int)te, (int)ts,
		     r == 0 ? "ok" : errno_name(e), c == 0 ? "ok" : errno_name(errno));
	}
	REAP(sender);
	kill(target, SIGKILL);
	REAP(target);
	close(ready.out[0]);
	close(ready.out[1]);
}

int main(void)
{
	attempt(1, 1, 1, 1, 1);
	attempt(1, 1, 2, 2, 2);
	attempt(1, 1, 1, 2, 2);
	attempt(1, 1, 2, 1, 2);
	attempt(1, 1, 2, 2, 1);
	attempt(1, 2, 1, 3, 3);
	attempt(1, 2, 2, 3, 3);
	attempt(2, 1, 3, 3, 1);
	attempt(1, 0, 2, 2, 2);
	attempt(0, 1, 2, 2, 2);
	attempt(1, 1, 0, 0, 0);
	pid_t pid, same;
	CHILD(same) { pause(); }
	CHILD(pid)
	{
		setuid(1000);
		CALL("the same session: SIGTERM", kill(same, SIGTERM));
		CALL("SIGCONT", kill(same, SIGCONT));
		CALL("nobody else to signal", kill(-1, 0));
		CALL("a group with one that may not be", kill(0, 0));
	}
	REAP(pid);
	kill(same, SIGKILL);
	REAP(same);
}
