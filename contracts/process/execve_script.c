// execve(2): interpreter scripts: the optional argument, blanks, recursion, arguments' order.
#include "contract.h"

static void script(const char *name, const char *interpreter, const char *option)
{
	char text[PATH_MAX + 100];
	snprintf(text, sizeof text, "#!%s%s\nbody\n", interpreter, option);
	put_file(name, text);
	chmod(name, 0755);
}
static void run(const char *path)
{
	pid_t pid;
	CHILD(pid)
	{
		execl(path, "zeroth", "first", "second", NULL);
		FACT("%s: %s", path, errno_name(errno));
	}
	REAP(pid);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		FACT("argc %d", argc);
		for (int i = 1; i < argc; i++)
			FACT("  argv[%d] = '%s'", i, argv[i]);
		return 0;
	}
	char exe[PATH_MAX] = "";
	readlink("/proc/self/exe", exe, sizeof exe - 1);
	symlink(exe, "me");
	script("plain", "me", "");
	run("./plain");
	script("option", "me", " -a -b");
	run("./option");
	script("blanks", " \tme", "  \t -x \t ");
	run("./blanks");
	script("nested", "./option", " inner");
	run("./nested");
	script("self", "./self", "");
	run("./self");
	put_file("bare", "#!");
	chmod("bare", 0755);
	run("./bare");
}
