// fork(2): what the child does not inherit: pending signals, alarms, timers, CPU times; and what it does: mask,
// dispositions, nice value, umask, working directory.
#include "contract.h"

int main(void)
{
	note_signal(SIGUSR1, 0);
	signal(SIGUSR2, SIG_IGN);
	block(SIGUSR1);
	raise(SIGUSR1);
	alarm(100);
	umask(051);
	MUST(mkdir("d", 0755));
	MUST(chdir("d"));
	setpriority(PRIO_PROCESS, 0, 3);
	pid_t pid;
	CHILD(pid)
	{
		IS("pending in child", is_pending(SIGUSR1));
		sigset_t mask;
		sigprocmask(0, NULL, &mask);
		IS("mask inherited", sigismember(&mask, SIGUSR1));
		struct sigaction a;
		sigaction(SIGUSR1, NULL, &a);
		IS("handler inherited", a.sa_handler == note);
		sigaction(SIGUSR2, NULL, &a);
		IS("ignore inherited", a.sa_handler == SIG_IGN);
		CALL("child's alarm", alarm(0));
		struct tms t;
		times(&t);
		IS("child's children's times are zero", t.tms_cutime == 0 && t.tms_cstime == 0);
		FACT("umask %#o", umask(0));
		char cwd[PATH_MAX];
		IS("cwd inherited", getcwd(cwd, sizeof cwd) && strcmp(strrchr(cwd, '/'), "/d") == 0);
		CALL("nice value", getpriority(PRIO_PROCESS, 0));
	}
	ENDED("child", pid);
	IS("still pending in parent", is_pending(SIGUSR1));
	IS("parent's alarm", alarm(0) > 90);
}
