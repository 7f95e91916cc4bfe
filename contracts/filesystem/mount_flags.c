// mount(2): what nosuid, nodev, noexec, ro, noatime and relatime do; statfs shows them; remounting what is in use.
#include "contract.h"
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static unsigned long flags(const char *path)
{
	struct statfs s;
	MUST(statfs(path, &s));
	return s.f_flags & (ST_RDONLY | 2 | 4 | 8 | 1024 | 2048 | 4096);
}

static int atime_moves(const char *path)
{
	struct stat a, b;
	char c;
	struct timespec old[2] = { { 1000, 0 }, { 0, UTIME_OMIT } };
	utimensat(AT_FDCWD, path, old, 0);
	stat(path, &a);
	int fd = open(path, O_RDONLY);
	read(fd, &c, 1);
	close(fd);
	stat(path, &b);
	return a.st_atime != b.st_atime;
}

int main(void)
{
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir("m", 0755);
	MUST(mount("x", "m", "tmpfs", 0, NULL));
	FACT("plain: %#lx", flags("m"));
	put_file("m/f", "#!/bin/true\n");
	chmod("m/f", 0755);
	mknod("m/null", S_IFCHR | 0666, makedev(1, 3));
	FACT("device %d atime %d", open("m/null", O_RDWR) >= 0, atime_moves("m/f"));
	int fd = open("m/f", O_WRONLY);
	CALL("read-only while a file is open for writing", mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	CALL("the mount alone", mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	close(fd);
	CALL("nodev, noexec, nosuid", mount(NULL, "m", NULL, MS_REMOUNT | MS_NODEV | MS_NOEXEC | MS_NOSUID, NULL));
	FACT("now %#lx", flags("m"));
	CALL("device", open("m/null", O_RDWR));
	CALL("O_PATH of it", open("m/null", O_PATH) >= 0);
	CALL("execute", execl("m/f", "f", NULL));
	CALL("access X_OK", access("m/f", X_OK));
	CALL("noatime", mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NOATIME, NULL));
	FACT("now %#lx atime %d", flags("m"), atime_moves("m/f"));
	CALL("flags of time stay", mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	FACT("now %#lx", flags("m"));
	CALL("strictatime", mount(NULL, "m", NULL, MS_REMOUNT | MS_STRICTATIME, NULL));
	FACT("now %#lx atime %d", flags("m"), atime_moves("m/f"));
	CALL("read-only", mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	FACT("now %#lx", flags("m"));
	CALL("create", mkdir("m/d", 0755));
	CALL("unlink", unlink("m/f"));
	CALL("unlink of nothing", unlink("m/none"));
	CALL("rmdir of nothing", rmdir("m/none"));
	CALL("rename of nothing", rename("m/none", "m/other"));
	CALL("mkdir, taken", mkdir("m/f", 0755));
	CALL("truncate", truncate("m/f", 0));
	CALL("utimes", utimensat(AT_FDCWD, "m/f", NULL, 0));
	CALL("chown", chown("m/f", 1, 1));
	CALL("setxattr", setxattr("m/f", "trusted.a", "1", 1, 0));
	CALL("setxattr with bad flags", setxattr("m/f", "trusted.a", "1", 1, 8));
	CALL("O_TRUNC for reading", open("m/f", O_RDONLY | O_TRUNC));
	CALL("O_CREAT of what is there", open("m/f", O_RDONLY | O_CREAT, 0644) >= 0);
	CALL("O_CREAT of what is not", open("m/new", O_RDONLY | O_CREAT, 0644));
	CALL("O_TMPFILE", open("m", O_RDWR | O_TMPFILE, 0644));
	CALL("a device for writing", open("m/null", O_RDWR) >= 0);
	CALL("writable again", mount(NULL, "m", NULL, MS_REMOUNT, "size=1M"));
	struct statfs s;
	statfs("m", &s);
	FACT("blocks %ld of %ld", (long)s.f_blocks, (long)s.f_bsize);
	char *p = malloc(2 << 20);
	memset(p, 'x', 2 << 20);
	fd = open("m/big", O_CREAT | O_WRONLY, 0644);
	FACT("written %d", (int)(write(fd, p, 2 << 20) >> 12) << 12);
	CALL("and no more", write(fd, p, 4096));
	CALL("smaller than what is in it", mount(NULL, "m", NULL, MS_REMOUNT, "size=4k"));
}
