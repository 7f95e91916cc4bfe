// ptrace(2), "Group-stop": a stop of the process stops its traced threads for the tracer; PTRACE_LISTEN lets a seized one stay
// stopped and tells when that ends.
#include "contract.h"
#include "ptrace.h"

static void sleeper(void)
{
	for (;;)
		pause();
}

int main(void)
{
	pid_t pid;
	siginfo_t i;
	int s;
	FACT("-- PTRACE_ATTACH");
	CHILD(pid)
	{
		sleeper();
	}
	asleep(pid);
	MUST(trace(PTRACE_ATTACH, pid, 0, 0));
	quiet(pid);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	asleep(pid);
	kill(pid, SIGTSTP);
	NEXT("the signal", pid);
	CALL("PTRACE_GETSIGINFO", trace(PTRACE_GETSIGINFO, pid, 0, (long)&i));
	MUST(trace(PTRACE_CONT, pid, 0, SIGSTOP));
	NEXT("the group stops", pid);
	CALL("PTRACE_GETSIGINFO", trace(PTRACE_GETSIGINFO, pid, 0, (long)&i));
	FACT("state %c", state(pid));
	CALL("no stop for WUNTRACED", waitpid(pid, &s, WUNTRACED | WNOHANG));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	asleep(pid);
	FACT("it goes on: state %c", state(pid));
	kill(pid, SIGCONT);
	NEXT("SIGCONT", pid);
	MUST(trace(PTRACE_CONT, pid, 0, SIGCONT));
	asleep(pid);
	kill(pid, SIGSTOP);
	NEXT("SIGSTOP", pid);
	MUST(trace(PTRACE_CONT, pid, 0, SIGSTOP));
	NEXT("the group stops", pid);
	MUST(trace(PTRACE_DETACH, pid, 0, 0));
	EVENTUALLY(state(pid) == 'T');
	FACT("it stays stopped: state %c", state(pid));
	kill(pid, SIGCONT);
	EVENTUALLY(state(pid) == 'S');
	FACT("state %c", state(pid));
	MUST(waitpid(pid, &s, WCONTINUED));
	SAY_STATUS("for the parent", s);
	kill(pid, SIGSTOP);
	MUST(waitpid(pid, &s, WUNTRACED));
	SAY_STATUS("for the parent", s);

	FACT("-- PTRACE_SEIZE of a stopped process");
	CALL("PTRACE_SEIZE", trace(PTRACE_SEIZE, pid, 0, 0));
	NEXT("stopped before", pid);
	MUST(trace(PTRACE_GETSIGINFO, pid, 0, (long)&i));
	FACT("%s, code %#x", signal_name(i.si_signo), i.si_code);
	CALL("PTRACE_LISTEN", trace(PTRACE_LISTEN, pid, 0, 0));
	CALL("it listens", trace(PTRACE_CONT, pid, 0, 0));
	CALL("and says nothing", waitpid(pid, &s, WNOHANG | __WALL));
	FACT("state %c", state(pid));
	kill(pid, SIGCONT);
	NEXT("SIGCONT is told", pid);
	MUST(trace(PTRACE_GETSIGINFO, pid, 0, (long)&i));
	FACT("%s, code %#x", signal_name(i.si_signo), i.si_code);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	NEXT("SIGCONT", pid);
	CALL("PTRACE_LISTEN in a signal's stop", trace(PTRACE_LISTEN, pid, 0, 0));
	MUST(trace(PTRACE_CONT, pid, 0, SIGCONT));
	asleep(pid);

	FACT("-- PTRACE_SEIZE of one that runs");
	kill(pid, SIGTTIN);
	NEXT("the signal", pid);
	MUST(trace(PTRACE_CONT, pid, 0, SIGSTOP));
	NEXT("the group stops", pid);
	MUST(trace(PTRACE_LISTEN, pid, 0, 0));
	CALL("PTRACE_INTERRUPT", trace(PTRACE_INTERRUPT, pid, 0, 0));
	NEXT("interrupted", pid);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	asleep(pid);
	FACT("it goes on: state %c", state(pid));
	MUST(trace(PTRACE_INTERRUPT, pid, 0, 0));
	NEXT("interrupted", pid);
	kill(pid, SIGCONT);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	NEXT("the end of the stop", pid);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	NEXT("SIGCONT", pid);
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	asleep(pid);
	MUST(trace(PTRACE_INTERRUPT, pid, 0, 0));
	NEXT("interrupted", pid);
	kill(pid, SIGKILL);
	NEXT("SIGKILL", pid);
}
