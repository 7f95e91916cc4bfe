// waitpid(2): WUNTRACED and WCONTINUED report each change once, and never without the flag.
#include "contract.h"

int main(void)
{
	pid_t pid;
	int s;
	CHILD(pid)
	{
		for (;;)
			pause();
	}
	CALL("stop it", kill(pid, SIGSTOP));
	waitpid(pid, &s, WUNTRACED);
	SAY_STATUS("WUNTRACED", s);
	CALL("reported once", waitpid(pid, &s, WUNTRACED | WNOHANG));
	CALL("continue it", kill(pid, SIGCONT));
	waitpid(pid, &s, WCONTINUED);
	SAY_STATUS("WCONTINUED", s);
	CALL("reported once", waitpid(pid, &s, WCONTINUED | WNOHANG));
	CALL("stop it again", kill(pid, SIGSTOP));
	waitpid(pid, &s, WUNTRACED);
	SAY_STATUS("WUNTRACED", s);
	CALL("kill the stopped", kill(pid, SIGKILL));
	ENDED("stopped child", pid);
	CHILD(pid)
	{
		raise(SIGSTOP);
		_exit(6);
	}
	EVENTUALLY(kill(pid, SIGCONT) == 0 && (waitpid(pid, &s, WNOHANG) == pid));
	SAY_STATUS("without flags only the end", s);
}
