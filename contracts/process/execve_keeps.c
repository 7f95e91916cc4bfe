// execve(2): what survives it (ids, cwd, umask, mask, pending and ignored signals, alarm) and what does not (handlers,
// close-on-exec descriptors, mappings, alternate stack).
#include "contract.h"

int main(int argc, char **argv)
{
	if (argc > 1) {
		IS("pid kept", atoi(argv[1]) == getpid());
		struct sigaction a;
		sigaction(SIGUSR1, NULL, &a);
		IS("handler reset to default", a.sa_handler == SIG_DFL);
		sigaction(SIGUSR2, NULL, &a);
		IS("ignored kept", a.sa_handler == SIG_IGN);
		sigset_t mask;
		sigprocmask(0, NULL, &mask);
		IS("mask kept", sigismember(&mask, SIGHUP));
		IS("pending kept", is_pending(SIGHUP));
		IS("alarm kept", alarm(0) > 50);
		CALL("plain descriptor kept", fcntl(50, F_GETFD));
		CALL("close-on-exec descriptor closed", fcntl(51, F_GETFD));
		FACT("umask %#o", umask(0));
		stack_t s;
		sigaltstack(NULL, &s);
		FACT("alternate stack disabled: %d", s.ss_flags == SS_DISABLE);
		CALL("dumpable", prctl(PR_GET_DUMPABLE));
		char name[17] = "";
		prctl(PR_GET_NAME, name);
		FACT("name '%s'", name);
		return 0;
	}
	note_signal(SIGUSR1, 0);
	signal(SIGUSR2, SIG_IGN);
	block(SIGHUP);
	raise(SIGHUP);
	alarm(100);
	umask(037);
	dup2(1, 50);
	fcntl(dup2(1, 51), F_SETFD, FD_CLOEXEC);
	char stack[SIGSTKSZ], pid[20];
	stack_t s = { .ss_sp = stack, .ss_size = sizeof stack };
	MUST(sigaltstack(&s, NULL));
	prctl(PR_SET_NAME, "renamed");
	snprintf(pid, sizeof pid, "%d", getpid());
	char target[PATH_MAX] = "";
	readlink("/proc/self/exe", target, sizeof target - 1);
	symlink(target, "a_name_that_is_too_long");
	execl("a_name_that_is_too_long", "x", pid, NULL);
	FACT("exec failed: %s", errno_name(errno));
}
