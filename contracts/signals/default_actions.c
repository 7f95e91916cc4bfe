// signal(7): the default action of every standard signal.
#include "contract.h"

int main(void)
{
	for (int sig = 1; sig <= 31; sig++) {
		char name[40];
		snprintf(name, sizeof name, "%s", signal_name(sig));
		struct gate go = gate_new();
		pid_t pid;
		CHILD(pid)
		{
			struct rlimit none = { 0, 0 };
			setrlimit(RLIMIT_CORE, &none);
			gate_wait(go);
			_exit(0);
		}
		asleep(pid);
		kill(pid, sig);
		if (sig == SIGSTOP) {
			int s;
			waitpid(pid, &s, WUNTRACED);
			SAY_STATUS(name, s);
			kill(pid, SIGCONT);
		}
		gate_open(go);
		ENDED(name, pid);
		close(go.out[0]);
		close(go.out[1]);
	}
}
