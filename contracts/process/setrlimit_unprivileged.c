// setrlimit(2): without CAP_SYS_RESOURCE the hard limit only sinks.
// run: user
#include "contract.h"

int main(void)
{
	struct rlimit r = { 10, 20 };
	CALL("lower", setrlimit(RLIMIT_NOFILE, &r));
	r.rlim_max = 21;
	CALL("raise the hard limit", setrlimit(RLIMIT_NOFILE, &r));
	r = (struct rlimit){ 20, 20 };
	CALL("raise the soft limit to it", setrlimit(RLIMIT_NOFILE, &r));
	CALL("prlimit of pid 1", prlimit(1, RLIMIT_NOFILE, NULL, &r));
	CALL("nice below", setpriority(PRIO_PROCESS, 0, -1));
	CALL("nice above", setpriority(PRIO_PROCESS, 0, 5));
	CALL("nice back", setpriority(PRIO_PROCESS, 0, 0));
}
