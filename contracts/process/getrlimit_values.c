// getrlimit(2), setrlimit(2), prlimit(2): defaults, rules and inheritance.
#include "contract.h"

static void show(const char *name, int which)
{
	struct rlimit r;
	getrlimit(which, &r);
	char a[30], b[30];
	snprintf(a, sizeof a, r.rlim_cur == RLIM_INFINITY ? "infinity" : "%llu", (unsigned long long)r.rlim_cur);
	snprintf(b, sizeof b, r.rlim_max == RLIM_INFINITY ? "infinity" : "%llu", (unsigned long long)r.rlim_max);
	FACT("%s %s %s", name, a, b);
}

int main(void)
{
	show("stack", RLIMIT_STACK);
	show("data", RLIMIT_DATA);
	show("core", RLIMIT_CORE);
	show("nofile", RLIMIT_NOFILE);
	show("address space", RLIMIT_AS);
	show("file size", RLIMIT_FSIZE);
	show("cpu", RLIMIT_CPU);
	show("nice", RLIMIT_NICE);
	show("msgqueue", RLIMIT_MSGQUEUE);
	struct rlimit r = { 100, 50 }, old;
	CALL("soft above hard", setrlimit(RLIMIT_NOFILE, &r));
	CALL("unknown", getrlimit(99, &r));
	CALL("bad address", syscall(SYS_prlimit64, 0, RLIMIT_CPU, NULL, BAD_POINTER));
	CALL("prlimit of nobody", prlimit(0x3ffffff, RLIMIT_CPU, NULL, &old));
	r = (struct rlimit){ 50, 200 };
	CALL("set", prlimit(0, RLIMIT_NOFILE, &r, &old));
	show("nofile", RLIMIT_NOFILE);
	pid_t pid;
	CHILD(pid) { show("inherited", RLIMIT_NOFILE); }
	REAP(pid);
	CALL("descriptor at the limit", dup2(1, 50));
	CALL("below", dup2(1, 49));
	r = (struct rlimit){ 3, 200 };
	setrlimit(RLIMIT_NOFILE, &r);
	CALL("open with no room", open("/dev/null", O_RDONLY));
	CALL("an old descriptor above still works", fcntl(49, F_GETFD));
}
