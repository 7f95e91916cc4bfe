// getpriority(2), setpriority(2), nice(2): ranges, targets, the raw call's encoding.
#include "contract.h"

int main(void)
{
	CALL("getpriority", getpriority(PRIO_PROCESS, 0));
	CALL("raw", syscall(SYS_getpriority, PRIO_PROCESS, 0));
	CALL("set 5", setpriority(PRIO_PROCESS, 0, 5));
	CALL("raw", syscall(SYS_getpriority, PRIO_PROCESS, 0));
	CALL("above the range", setpriority(PRIO_PROCESS, 0, 100));
	FACT("now %d", getpriority(PRIO_PROCESS, 0));
	CALL("below the range", setpriority(PRIO_PROCESS, 0, -100));
	errno = 0;
	FACT("now %d", getpriority(PRIO_PROCESS, 0));
	CALL("bad which", setpriority(3, 0, 0));
	CALL("nobody", setpriority(PRIO_PROCESS, 0x3ffffff, 0));
	CALL("empty group", getpriority(PRIO_PGRP, 0x3ffffff));
	CALL("nice(7)", nice(7));
	CALL("own group", setpriority(PRIO_PGRP, 0, 1));
	FACT("now %d", getpriority(PRIO_PROCESS, 0));
}
