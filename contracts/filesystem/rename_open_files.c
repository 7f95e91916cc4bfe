// rename(2), unlink(2): open files go on when their names change or go; replacement is atomic for readers.
#include "contract.h"

int main(void)
{
	put_file("a", "first");
	int fd = open("a", O_RDWR);
	put_file("b", "second");
	rename("b", "a");
	char b[8] = "";
	CALL("the replaced file is still read", pread(fd, b, 7, 0));
	FACT("'%s'", b);
	struct stat s;
	fstat(fd, &s);
	FACT("links %d", (int)s.st_nlink);
	pid_t pid;
	struct gate stop = gate_new();
	CHILD(pid)
	{
		struct pollfd p = { stop.out[0], POLLIN, 0 };
		while (poll(&p, 1, 0) == 0) {
			put_file("t", "whole");
			rename("t", "a");
		}
	}
	int missing = 0, partial = 0;
	for (int i = 0; i < 200; i++) {
		int f = open("a", O_RDONLY);
		if (f < 0) {
			missing++;
			continue;
		}
		char t[8] = "";
		read(f, t, 7);
		partial += strcmp(t, "whole") != 0 && strcmp(t, "second") != 0;
		close(f);
	}
	gate_open(stop);
	REAP(pid);
	FACT("missing %d partial %d", missing, partial);
	int u = open("u", O_RDWR | O_CREAT, 0644);
	unlink("u");
	CALL("write to the unlinked", write(u, "x", 1));
	char link[PATH_MAX] = "", path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", u);
	readlink(path, link, sizeof link - 1);
	IS("procfs says deleted", strstr(link, "/u (deleted)") != NULL);
}
