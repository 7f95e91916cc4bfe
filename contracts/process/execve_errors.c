// execve(2): errors, in the order in which they win.
#include "contract.h"

static void try(const char *name, const char *path)
{
	char *argv[] = { "x", NULL };
	CALL(name, execve(path, argv, environ));
}

int main(void)
{
	char *argv[] = { "x", NULL };
	try("missing", "missing");
	try("empty path", "");
	try("directory", ".");
	put_file("plain", "no program");
	try("not executable", "plain");
	chmod("plain", 0755);
	try("no format", "plain");
	try("file as directory", "plain/x");
	put_file("empty", "");
	chmod("empty", 0755);
	try("empty file", "empty");
	put_file("script", "#!/missing/interpreter\n");
	chmod("script", 0755);
	try("missing interpreter", "script");
	symlink("loop", "loop");
	try("loop", "loop");
	char longname[300];
	memset(longname, 'a', 299);
	longname[299] = 0;
	try("name too long", longname);
	CALL("bad path address", execve(BAD_POINTER, argv, environ));
	CALL("bad argv address", execve("/proc/self/exe", BAD_POINTER, environ));
	char *bad[] = { "x", BAD_POINTER, NULL };
	CALL("bad argument", execve("/proc/self/exe", bad, environ));
	put_file("elf", "\177ELF\2\1\1");
	chmod("elf", 0755);
	try("truncated ELF", "elf");
	int fd = open("elf", O_WRONLY);
	try("open for writing", "elf");
	close(fd);
	size_t huge = 200 * 1024;
	char *big = malloc(huge + 1);
	memset(big, 'b', huge);
	big[huge] = 0;
	char *many[] = { "x", big, NULL };
	CALL("argument above 128 KiB", execve("/proc/self/exe", many, environ));
}
