// ptrace(2): how tracing begins and ends, what of it /proc shows, and what a tracer may not ask.
#include "contract.h"
#include "ptrace.h"

int main(void)
{
	pid_t pid;
	int s;
	TRACED(pid)
	{
		_exit(trace(PTRACE_TRACEME, 0, 0, 0) == -1 && errno == EPERM ? 3 : 4);
	}
	NEXT("PTRACE_TRACEME and SIGSTOP", pid);
	FACT("state %c, traced by its parent: %d", state(pid), tracer(pid) == getpid());
	CALL("no such request", trace(12345, pid, 0, 0));
	CALL("an option that is none", trace(PTRACE_SETOPTIONS, pid, 0, 1 << 30));
	CALL("PTRACE_ATTACH", trace(PTRACE_ATTACH, pid, 0, 0));
	CALL("PTRACE_SEIZE", trace(PTRACE_SEIZE, pid, 0, 0));
	CALL("PTRACE_INTERRUPT, not seized", trace(PTRACE_INTERRUPT, pid, 0, 0));
	CALL("PTRACE_LISTEN, not seized", trace(PTRACE_LISTEN, pid, 0, 0));
	CALL("a signal that is none", trace(PTRACE_CONT, pid, 0, 65));
	CALL("reported once", waitpid(pid, &s, WNOHANG));
	CALL("PTRACE_CONT", trace(PTRACE_CONT, pid, 0, 0));
	NEXT("traced already", pid);
	CALL("the dead", trace(PTRACE_CONT, pid, 0, 0));
	CALL("itself", trace(PTRACE_ATTACH, getpid(), 0, 0));
	CALL("nobody", trace(PTRACE_ATTACH, 0, 0, 0));

	CHILD(pid)
	{
		for (;;)
			pause();
	}
	asleep(pid);
	CALL("not traced", trace(PTRACE_CONT, pid, 0, 0));
	CALL("PTRACE_ATTACH", trace(PTRACE_ATTACH, pid, 0, 0));
	NEXT("it stops", pid);
	FACT("state %c", state(pid));
	CALL("PTRACE_DETACH with a bad signal", trace(PTRACE_DETACH, pid, 0, 65));
	CALL("PTRACE_DETACH", trace(PTRACE_DETACH, pid, 0, 0));
	asleep(pid);
	FACT("state %c, no tracer: %d", state(pid), tracer(pid) == 0);
	CALL("PTRACE_SEIZE with an address", trace(PTRACE_SEIZE, pid, 1, 0));
	CALL("PTRACE_SEIZE with a bad option", trace(PTRACE_SEIZE, pid, 0, 1 << 30));
	CALL("PTRACE_SEIZE", trace(PTRACE_SEIZE, pid, 0, 0));
	CALL("it runs", trace(PTRACE_CONT, pid, 0, 0));
	CALL("PTRACE_INTERRUPT", trace(PTRACE_INTERRUPT, pid, 0, 0));
	NEXT("it stops", pid);
	CALL("PTRACE_DETACH with a signal, not in a signal's stop", trace(PTRACE_DETACH, pid, 0, SIGTERM));
	asleep(pid);
	FACT("state %c", state(pid));
	MUST(trace(PTRACE_SEIZE, pid, 0, 0));
	kill(pid, SIGURG);
	NEXT("a signal", pid);
	CALL("PTRACE_DETACH with another", trace(PTRACE_DETACH, pid, 0, SIGTERM));
	NEXT("the end", pid);

	CHILD(pid)
	{
		for (;;)
			pause();
	}
	asleep(pid);
	MUST(trace(PTRACE_ATTACH, pid, 0, 0));
	quiet(pid);
	CALL("PTRACE_KILL", trace(PTRACE_KILL, pid, 0, 0));
	NEXT("the end", pid);

	siginfo_t i = { 0 };
	TRACED(pid)
	{
		_exit(5);
	}
	CALL("waitid without WSTOPPED", waitid(P_PID, pid, &i, WEXITED));
	FACT("code %d status %s", i.si_code, signal_name(i.si_status));
	kill(pid, SIGKILL);
	NEXT("SIGKILL ends a stop", pid);
}
