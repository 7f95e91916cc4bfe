// fallocate(2), lseek(2), posix_fadvise(2), sync_file_range(2): keeping size, holes, zeroing, unsupported modes, errors.
#include "contract.h"
#include <linux/falloc.h>

static int fd;
static void show(const char *name)
{
	struct stat st;
	fstat(fd, &st);
	FACT("%s: size %ld blocks %ld", name, (long)st.st_size, (long)st.st_blocks);
}

int main(void)
{
	fd = open("f", O_CREAT | O_RDWR, 0644);
	CALL("allocate", fallocate(fd, 0, 0, 8192));
	show("now");
	CALL("KEEP_SIZE", fallocate(fd, FALLOC_FL_KEEP_SIZE, 8192, 8192));
	show("now");
	CALL("beyond", fallocate(fd, 0, 20000, 100));
	show("now");
	char b[12288];
	memset(b, 'x', sizeof b);
	pwrite(fd, b, sizeof b, 0);
	CALL("PUNCH_HOLE", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096));
	show("now");
	pread(fd, b, sizeof b, 0);
	FACT("%c %d %c", b[4095], b[4096], b[8192]);
	CALL("a hole in the middle of a page", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 100));
	pread(fd, b, 300, 0);
	FACT("%c %d %d %c", b[99], b[100], b[199], b[200]);
	CALL("SEEK_HOLE", lseek(fd, 0, SEEK_HOLE));
	CALL("SEEK_DATA", lseek(fd, 4096, SEEK_DATA));
	CALL("PUNCH_HOLE without KEEP_SIZE", fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1));
	CALL("beyond the end", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100000, 4096));
	show("now");
	CALL("ZERO_RANGE", fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096));
	CALL("COLLAPSE_RANGE", fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	CALL("INSERT_RANGE", fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, 4096));
	CALL("length 0", fallocate(fd, 0, 0, 0));
	CALL("negative", fallocate(fd, 0, -1, 10));
	CALL("too large", fallocate(fd, 0, LLONG_MAX, 1));
	CALL("unknown mode", fallocate(fd, 0x100, 0, 1));
	int p[2], ro = open("f", O_RDONLY), dir = open(".", O_RDONLY);
	pipe(p);
	CALL("a pipe", fallocate(p[1], 0, 0, 1));
	CALL("read-only", fallocate(ro, 0, 0, 1));
	CALL("a directory", fallocate(dir, 0, 0, 1));
	CALL("/dev/null", fallocate(open("/dev/null", O_RDWR), 0, 0, 1));
	ERR("posix_fadvise", posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
	ERR("no such advice", posix_fadvise(fd, 0, 0, 77));
	ERR("of a pipe", posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL));
	ERR("negative length", posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL));
	CALL("readahead", readahead(fd, 0, 4096));
	CALL("readahead of a pipe", readahead(p[0], 0, 1));
	CALL("fsync", fsync(fd));
	CALL("fdatasync of a pipe", fdatasync(p[0]));
	CALL("syncfs", syncfs(fd));
	CALL("sync_file_range", sync_file_range(fd, 0, 0, 7));
	CALL("bad flags", sync_file_range(fd, 0, 0, 8));
	CALL("of a pipe", sync_file_range(p[0], 0, 0, 2));
}
