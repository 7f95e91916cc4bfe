// proc(5): /proc/self: exe, cwd, root, fd, comm, cmdline, environ.
#include "contract.h"

int main(int argc, char **argv)
{
	char b[PATH_MAX] = "", cwd[PATH_MAX];
	readlink("/proc/self", b, sizeof b);
	IS("self is the pid", atoi(b) == getpid());
	memset(b, 0, sizeof b);
	readlink("/proc/self/exe", b, sizeof b);
	IS("exe", strcmp(b, argv[0]) == 0);
	memset(b, 0, sizeof b);
	readlink("/proc/self/cwd", b, sizeof b);
	IS("cwd", strcmp(b, getcwd(cwd, sizeof cwd)) == 0);
	memset(b, 0, sizeof b);
	readlink("/proc/self/root", b, sizeof b);
	FACT("root '%s'", b);
	memset(b, 0, sizeof b);
	readlink("/proc/self/fd/0", b, sizeof b);
	FACT("fd/0 '%s'", b);
	int p[2];
	pipe(p);
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
	memset(b, 0, sizeof b);
	readlink(path, b, sizeof b);
	FACT("a pipe '%.6s'", b);
	CALL("opening it", open(path, O_RDONLY) >= 0);
	IS("cmdline", strcmp(get_file("/proc/self/cmdline"), argv[0]) == 0);
	memset(b, 0, sizeof b);
	readlink("/proc/thread-self", b, sizeof b);
	IS("thread-self", strstr(b, "/task/") != NULL);
	CALL("nobody", open("/proc/67108863", O_RDONLY));
	CALL("write to comm", write(open("/proc/self/comm", O_WRONLY), "renamed", 7));
	FACT("comm %s", line_of(get_file("/proc/self/comm"), ""));
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	FACT("descriptors listed %d", n);
}
