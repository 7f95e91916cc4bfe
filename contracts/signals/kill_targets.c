// kill(2): process, group, everybody; signal 0; errors.
#include "contract.h"

int main(void)
{
	CALL("nobody", kill(0x3ffffff, SIGTERM));
	CALL("nobody's group", kill(-0x3ffffff, SIGTERM));
	CALL("bad signal", kill(getpid(), 65));
	CALL("negative signal", kill(getpid(), -1));
	CALL("bad signal to nobody", kill(0x3ffffff, 65));
	CALL("signal 0 to oneself", kill(getpid(), 0));
	CALL("INT_MIN", kill(INT_MIN, 0));
	struct gate ready = gate_new();
	pid_t a, b;
	CHILD(a)
	{
		setpgid(0, 0);
		gate_open(ready);
		for (;;)
			pause();
	}
	gate_wait(ready);
	CHILD(b)
	{
		setpgid(0, a);
		gate_open(ready);
		for (;;)
			pause();
	}
	gate_wait(ready);
	CALL("their group", kill(-a, SIGTERM));
	ENDED("leader", a);
	ENDED("member", b);
	note_signal(SIGUSR1, 0);
	CALL("own group by 0", kill(0, SIGUSR1));
	FACT("handled %d", got[SIGUSR1]);
	CALL("tgkill with a wrong group", syscall(SYS_tgkill, getppid(), thread_id(), SIGUSR1));
	CALL("tgkill of thread 0", syscall(SYS_tgkill, getpid(), 0, SIGUSR1));
	CALL("tkill of -1", syscall(SYS_tkill, -1, SIGUSR1));
	CALL("tkill", syscall(SYS_tkill, thread_id(), SIGUSR1));
	FACT("handled %d", got[SIGUSR1]);
}
