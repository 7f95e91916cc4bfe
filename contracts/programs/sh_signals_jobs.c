// sh(1): traps, background jobs, wait, kill, subshells: BusyBox's shell on the kernel's signals and groups.
// files: busybox
// timeout: 60
#include "contract.h"

static const char *scripts[] = {
	"trap 'echo trapped' USR1; kill -USR1 $$; echo after",
	"trap 'echo bye' EXIT; exit 3",
	"trap '' TERM; kill -TERM $$; echo survived; trap - TERM; kill -TERM $$; echo no",
	"sleep 100 & kill $!; wait $! 2>/dev/null; echo $?", // whether it says "Terminated" depends on who is first,
	"(exit 7) & wait $!; echo $?; wait; echo $?",
	"sleep 0.05 & p=$!; wait $p && echo waited; kill -0 $p 2>/dev/null || echo gone",
	"for i in 1 2 3 4; do (sleep 0.0$i; exit $i) & done; wait; echo all",
	"(trap 'echo inner; exit 5' TERM; sleep 0.01; kill -TERM $(exec sh -c 'echo $PPID'); sleep 1); echo $?",
	"sh -c 'kill -SEGV $$'; echo $?; sh -c 'kill -KILL $$'; echo $?",
	"sleep 100 & kill -STOP $!; kill $!; kill -CONT $!; wait $! 2>/dev/null; echo $?",
	"timeout 0.05 sleep 100; echo $?; timeout 5 true; echo $?",
	"trap 'echo child ended' CHLD; true & wait; echo done",
	"yes > /dev/null & p=$!; kill -9 $p; wait $p 2>/dev/null; echo $?",
	"sh -c 'trap \"\" INT; exec sh -c \"kill -INT \\$\\$; echo ignored over exec\"'",
	"mkfifo go; (read x < go; echo late) & echo early; echo > go; wait",
	"nohup true 2>/dev/null; echo $?; setsid true; echo $?",
	"mkfifo p; (sleep 0.02; echo data > p) & read x < p; echo $x; wait",
	"usleep 1000; pidof nothing; echo $?; kill -l 15; test $$ -gt 1 && echo pid",
};

int main(void)
{
	for (int i = 0; i < COUNT_OF(scripts); i++) {
		pid_t pid;
		FACT("--- %d", i);
		CHILD(pid) { execl("/bin/sh", "sh", "-c", scripts[i], NULL); }
		int status = REAP(pid);
		if (status != 0)
			SAY_STATUS("status", status);
	}
}
