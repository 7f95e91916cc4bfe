// ptrace(2): when a tracer ends its tracees go on, or die with PTRACE_O_EXITKILL; a traced child's end comes to the tracer first
// and then to the parent.
#include "contract.h"
#include "ptrace.h"

int main(void)
{
	pid_t pid, by;
	int s;
	struct gate ready = gate_new();
	for (int kill_it = 0; kill_it <= 1; kill_it++) {
		FACT("-- %s", kill_it ? "PTRACE_O_EXITKILL" : "without options");
		CHILD(pid)
		{
			for (;;)
				pause();
		}
		asleep(pid);
		CHILD(by)
		{
			MUST(trace(PTRACE_SEIZE, pid, 0, kill_it ? PTRACE_O_EXITKILL : 0));
			MUST(trace(PTRACE_INTERRUPT, pid, 0, 0));
			quiet(pid);
			gate_open(ready);
			pause();
		}
		gate_wait(ready);
		FACT("state %c, traced by the other: %d", state(pid), tracer(pid) == by);
		CALL("no news for the parent", waitpid(pid, &s, WNOHANG | WUNTRACED));
		kill(by, SIGKILL);
		ENDED("the tracer", by);
		if (!kill_it) {
			asleep(pid);
			FACT("state %c, no tracer: %d", state(pid), tracer(pid) == 0);
			kill(pid, SIGTERM);
		}
		ENDED("the tracee", pid);
	}

	FACT("-- the tracee ends");
	struct gate seen = gate_new(), reap = gate_new(), over = gate_new();
	CHILD(pid)
	{
		pause();
		_exit(9);
	}
	asleep(pid);
	CHILD(by)
	{
		MUST(trace(PTRACE_SEIZE, pid, 0, 0));
		gate_open(ready);
		siginfo_t i;
		waitid(P_PID, pid, &i, WEXITED | WNOWAIT);
		gate_open(seen);
		gate_wait(reap);
		NEXT("for the tracer", pid);
		CALL("once", waitpid(pid, &s, WNOHANG | __WALL));
		gate_open(over);
	}
	gate_wait(ready);
	kill(pid, SIGKILL);
	gate_wait(seen);
	CALL("for the parent, not yet", waitpid(pid, &s, WNOHANG));
	gate_open(reap);
	gate_wait(over);
	ENDED("for the parent", pid);
	ENDED("the tracer", by);
}
