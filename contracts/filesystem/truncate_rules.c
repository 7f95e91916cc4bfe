// truncate(2), ftruncate(2), fallocate(2).
#include "contract.h"

static void size(const char *name)
{
	struct stat s;
	stat("f", &s);
	FACT("%s: size %ld blocks %s", name, (long)s.st_size, s.st_blocks ? "some" : "none");
}

int main(void)
{
	put_file("f", "0123456789");
	int fd = open("f", O_RDWR), r = open("f", O_RDONLY), p[2];
	CALL("grow", ftruncate(fd, 100000));
	size("sparse");
	CALL("shrink", truncate("f", 5));
	size("shrunk");
	CALL("grow again reads zeros", ftruncate(fd, 10));
	char b[11] = "";
	pread(fd, b, 10, 0);
	FACT("'%s' %d", b, b[6]);
	CALL("negative", ftruncate(fd, -1));
	CALL("read-only", ftruncate(r, 0));
	CALL("directory", truncate(".", 0));
	CALL("missing", truncate("missing", 0));
	pipe(p);
	CALL("pipe", ftruncate(p[1], 0));
	CALL("fallocate", fallocate(fd, 0, 0, 20000));
	size("allocated");
	CALL("KEEP_SIZE", fallocate(fd, 1, 0, 50000));
	size("kept");
	CALL("PUNCH_HOLE", fallocate(fd, 3, 0, 4096));
	pread(fd, b, 10, 0);
	FACT("punched %d", b[0]);
	CALL("PUNCH_HOLE without KEEP_SIZE", fallocate(fd, 2, 0, 4096));
	CALL("length 0", fallocate(fd, 0, 0, 0));
	CALL("negative offset", fallocate(fd, 0, -1, 1));
	CALL("pipe", fallocate(p[1], 0, 0, 1));
	CALL("read-only", fallocate(r, 0, 0, 1));
}
