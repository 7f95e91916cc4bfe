// pid_namespaces(7): ids inside and outside, the end of its init, signals to it, reparenting, /proc mounted inside.
#include "contract.h"

static pid_t inside(void (*init)(void))
{
	pid_t pid = MUST(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
	if (pid == 0) {
		init();
		_exit(0);
	}
	return pid;
}
static void ids(void)
{
	FACT("pid %d parent %d", getpid(), getppid());
	pid_t pid;
	CHILD(pid) { FACT("child: pid %d parent %d", getpid(), getppid()); }
	ENDED("child", pid);
	FACT("fork returned %d", pid);
	CALL("the outside is not seen", kill(99999, 0));
	CHILD(pid)
	{
		pid_t orphan;
		CHILD(orphan)
		{
			EVENTUALLY(getppid() == 1);
			FACT("an orphan's parent %d", getppid());
		}
	}
	REAP(pid);
	while (wait(NULL) > 0)
		;
	FACT("signals without handlers do not reach init: %d", kill(1, SIGTERM));
	FACT("not even SIGKILL from inside: %d", kill(1, SIGKILL));
	note_signal(SIGUSR1, 0);
	kill(getpid(), SIGUSR1);
	FACT("with a handler: %d", got[SIGUSR1]);
}
static struct gate up;
static void idle(void)
{
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	gate_open(up);
	for (;;)
		pause();
}
static void proc(void)
{
	unshare(CLONE_NEWNS);
	mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mkdir("proc", 0755);
	CALL("mount proc", mount("proc", "proc", "proc", 0, NULL));
	int n = 0;
	DIR *d = opendir("proc");
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] >= '0' && e->d_name[0] <= '9';
	FACT("processes in it %d", n);
	char b[16] = "";
	readlink("proc/self", b, sizeof b - 1);
	FACT("self %s", b);
	umount("proc");
}

int main(void)
{
	ENDED("init", inside(ids));
	up = gate_new();
	pid_t init = inside(idle);
	gate_wait(up);
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/status", init);
	FACT("init from outside: NSpid ends in %s", strrchr(line_of(get_file(path), "NSpid:"), '\t') + 1);
	CALL("SIGTERM from outside", kill(init, SIGTERM));
	int status;
	FACT("is ignored: %d", waitpid(init, &status, WNOHANG));
	kill(init, SIGKILL);
	ENDED("SIGKILL from outside", init);
	ENDED("proc", inside(proc));
	pid_t pid;
	CHILD(pid)
	{
		CALL("unshare", unshare(CLONE_NEWPID));
		FACT("moves only children: own id stays %d", getpid() > 1);
		pid_t first;
		CHILD(first) { FACT("first child %d", getpid()); }
		ENDED("it", first);
		CALL("its init is gone: fork", fork());
	}
	REAP(pid);
}
