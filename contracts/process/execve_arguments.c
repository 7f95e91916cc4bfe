// execve(2): arguments and environment arrive as given, empty ones too; a null argv becomes one empty string.
#include "contract.h"

int main(int argc, char **argv)
{
	if (getenv("SECOND")) {
		FACT("argc %d", argc);
		for (int i = 0; i <= argc; i++)
			FACT("argv[%d] = %s%s%s", i, argv[i] ? "'" : "", argv[i] ? argv[i] : "null", argv[i] ? "'" : "");
		for (char **e = environ; *e; e++)
			FACT("env %s", *e);
		return 0;
	}
	char *args[] = { "name", "", "a b", "\303\251", NULL }, *env[] = { "SECOND=1", "EMPTY=", "odd", NULL };
	pid_t pid;
	CHILD(pid) { CALL("exec", execve("/proc/self/exe", args, env)); }
	ENDED("with arguments", pid);
	CHILD(pid) { CALL("exec", syscall(SYS_execve, "/proc/self/exe", NULL, env)); }
	ENDED("null argv", pid);
	char *none[] = { NULL };
	CHILD(pid) { CALL("exec", syscall(SYS_execve, "/proc/self/exe", none, env)); }
	ENDED("empty argv", pid);
}
