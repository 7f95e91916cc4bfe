// getdents64(2): complete, with . and .., types, small buffers, changes while reading, lseek to start anew.
#include "contract.h"

int main(void)
{
	mkdir("d", 0755);
	char name[300];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "d/file%d", i);
		put_file(name, "");
	}
	mkdir("d/sub", 0755);
	symlink("x", "d/link");
	int fd = open("d", O_RDONLY | O_DIRECTORY), n, total = 0, dots = 0, dirs = 0, links = 0, files = 0;
	char b[512];
	struct rec { uint64_t ino; int64_t off; unsigned short len; unsigned char type; char name[]; } *r;
	while ((n = syscall(SYS_getdents64, fd, b, sizeof b)) > 0)
		for (int o = 0; o < n; o += r->len) {
			r = (struct rec *)(b + o);
			total++;
			dots += strcmp(r->name, ".") == 0 || strcmp(r->name, "..") == 0;
			dirs += r->type == DT_DIR;
			links += r->type == DT_LNK;
			files += r->type == DT_REG;
			if (r->len % 8)
				FACT("odd record");
		}
	FACT("entries %d dots %d directories %d links %d files %d", total, dots, dirs, links, files);
	CALL("at the end", syscall(SYS_getdents64, fd, b, sizeof b));
	CALL("rewind", lseek(fd, 0, SEEK_SET));
	IS("again", syscall(SYS_getdents64, fd, b, sizeof b) > 0);
	lseek(fd, 0, SEEK_SET);
	CALL("buffer too small", syscall(SYS_getdents64, fd, b, 10));
	put_file("f", "");
	CALL("of a file", syscall(SYS_getdents64, open("f", O_RDONLY), b, sizeof b));
	DIR *d = opendir("d");
	int seen = 0;
	for (struct dirent *e; (e = readdir(d));)
		if (strncmp(e->d_name, "file", 4) == 0) {
			snprintf(name, sizeof name, "d/%s", e->d_name);
			unlink(name);
			seen++;
		}
	FACT("seen once each while removing: %d", seen);
	rmdir("d/sub");
	unlink("d/link");
	CALL("empty now", rmdir("d"));
	CALL("getdents of the removed", syscall(SYS_getdents64, fd, b, sizeof b));
}
