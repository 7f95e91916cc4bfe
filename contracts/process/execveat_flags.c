// execveat(2): AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, relative to a directory, a close-on-exec script.
#include "contract.h"

static long at(int dir, const char *path, int flags)
{
	char *argv[] = { "x", "again", NULL };
	return syscall(SYS_execveat, dir, path, argv, environ, flags);
}
static void run(const char *name, int dir, const char *path, int flags)
{
	pid_t pid;
	CHILD(pid)
	{
		CALL(name, at(dir, path, flags));
		_exit(1);
	}
	SAY_STATUS(name, REAP(pid));
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return 42;
	char exe[PATH_MAX] = "";
	readlink("/proc/self/exe", exe, sizeof exe - 1);
	mkdir("d", 0755);
	symlink(exe, "d/link");
	int d = open("d", O_RDONLY | O_DIRECTORY), self = open(exe, O_RDONLY | O_CLOEXEC), path = open(exe, O_PATH);
	run("relative to a directory", d, "link", 0);
	run("a link, not followed", d, "link", AT_SYMLINK_NOFOLLOW);
	run("empty path without the flag", self, "", 0);
	run("empty path", self, "", AT_EMPTY_PATH);
	run("empty path of O_PATH", path, "", AT_EMPTY_PATH);
	run("bad flag", self, "", 0x8000);
	run("bad descriptor", 99, "link", 0);
	run("absolute ignores the descriptor", 99, exe, 0);
	run("directory", d, "", AT_EMPTY_PATH);
}
