// uts_namespaces(7), sethostname(2), setdomainname(2): limits, rights, a namespace of one's own by unshare and clone.
#include "contract.h"

static void names(const char *who)
{
	struct utsname u;
	uname(&u);
	FACT("%s: host %s domain %s", who, u.nodename, u.domainname);
}

int main(void)
{
	names("outside");
	char longest[66];
	memset(longest, 'x', sizeof longest);
	pid_t pid;
	CHILD(pid)
	{
		CALL("unshare", unshare(CLONE_NEWUTS));
		names("a copy at first");
		CALL("sethostname", sethostname("inner", 5));
		CALL("setdomainname", setdomainname("example.org", 11));
		names("inside");
		CALL("64 bytes", sethostname(longest, 64));
		struct utsname u;
		uname(&u);
		FACT("length %zu", strlen(u.nodename));
		CALL("65 bytes", sethostname(longest, 65));
		CALL("negative", sethostname(longest, -1));
		CALL("bad pointer", sethostname(BAD_POINTER, 5));
		CALL("empty", sethostname("", 0));
		CALL("a zero inside", sethostname("a\0b", 3));
		names("inside");
		CHILD(pid) { names("a child shares it"); }
		REAP(pid);
		CALL("setuid", setuid(1000));
		CALL("a user: sethostname", sethostname("user", 4));
		CALL("setdomainname", setdomainname("user", 4));
		CALL("unshare", unshare(CLONE_NEWUTS));
	}
	REAP(pid);
	pid = syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		sethostname("cloned", 6);
		names("cloned");
		_exit(0);
	}
	ENDED("clone", pid);
	names("outside");
	CALL("unshare of nothing", unshare(0));
	CALL("a bad flag", unshare(CLONE_CHILD_SETTID));
	CALL("CLONE_THREAD alone", unshare(CLONE_THREAD));
}
