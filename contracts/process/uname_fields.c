// uname(2): the fields as programs rely on them.
#include "contract.h"

int main(void)
{
	struct utsname u;
	CALL("uname", uname(&u));
	FACT("sysname %s", u.sysname);
	int major = 0, minor = 0;
	IS("release starts with two numbers", sscanf(u.release, "%d.%d", &major, &minor) == 2);
	IS("at least version 5", major >= 5);
	IS("version starts with #", u.version[0] == '#');
#ifdef __x86_64__
	IS("machine", strcmp(u.machine, "x86_64") == 0);
#else
	IS("machine", strcmp(u.machine, "aarch64") == 0);
#endif
	FACT("domain %s", u.domainname);
	CALL("bad address", syscall(SYS_uname, BAD_POINTER));
	char host[65] = "";
	gethostname(host, sizeof host);
	IS("gethostname is the nodename", strcmp(host, u.nodename) == 0);
	CALL("a short buffer", gethostname(host, 0));
}
