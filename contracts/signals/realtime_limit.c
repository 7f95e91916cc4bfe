// sigqueue(3), getrlimit(2): RLIMIT_SIGPENDING bounds what a user may queue; kill still works.
// run: user
#include "contract.h"

int main(void)
{
	struct rlimit r = { 5, 5 };
	MUST(setrlimit(RLIMIT_SIGPENDING, &r));
	block(SIGRTMIN);
	block(SIGUSR1);
	int queued = 0;
	while (queued < 20 && sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = queued }) == 0)
		queued++;
	FACT("queued %d, then %s", queued, errno_name(errno));
	CALL("kill", kill(getpid(), SIGUSR1));
	IS("pending", is_pending(SIGUSR1));
	sigset_t s = set_of(SIGRTMIN);
	siginfo_t i;
	int n = 0;
	struct timespec zero = { 0 };
	while (sigtimedwait(&s, &i, &zero) > 0)
		n++;
	FACT("taken %d", n);
	CALL("room again", sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 }));
}
