// sync(2), syncfs(2), fsync(2), fdatasync(2), sync_file_range(2), readahead(2), posix_fadvise(2): on what they work, and errors.
#include "contract.h"

static void each(const char *name, int fd)
{
	FACT("%s:", name);
	CALL("  fsync", fsync(fd));
	CALL("  fdatasync", fdatasync(fd));
	CALL("  syncfs", syncfs(fd));
	CALL("  sync_file_range", sync_file_range(fd, 0, 1, SYNC_FILE_RANGE_WRITE));
	CALL("  readahead", readahead(fd, 0, 1));
	ERR("  posix_fadvise", posix_fadvise(fd, 0, 1, POSIX_FADV_DONTNEED));
}

int main(void)
{
	int p[2], s[2];
	MUST(pipe(p));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CALL("sync", syscall(SYS_sync));
	each("file", MUST(open("f", O_CREAT | O_RDWR, 0600)));
	each("read-only", MUST(open("f", O_RDONLY)));
	each("write-only", MUST(open("f", O_WRONLY)));
	each("path", MUST(open("f", O_PATH)));
	each("directory", MUST(open(".", O_RDONLY)));
	each("pipe", p[0]);
	each("socket", s[0]);
	each("/dev/null", MUST(open("/dev/null", O_RDWR)));
	each("eventfd", MUST(eventfd(0, 0)));
	each("closed", 99);
	int fd = MUST(open("f", O_RDWR));
	CALL("range of nothing", sync_file_range(fd, 0, 0, 0));
	CALL("a negative offset", sync_file_range(fd, -1, 1, 2));
	CALL("a negative length", sync_file_range(fd, 0, -1, 2));
	CALL("a range past the end of all", sync_file_range(fd, LLONG_MAX, 1, 2));
	CALL("all flags", sync_file_range(fd, 0, 0, 7));
	CALL("an unknown flag", sync_file_range(fd, 0, 0, 8));
	for (int advice = 0; advice < 7; advice++)
		FACT("advice %d: %s", advice, errno_name(posix_fadvise(fd, 0, 0, advice)));
}
