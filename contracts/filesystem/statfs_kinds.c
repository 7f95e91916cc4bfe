// statfs(2), fstatfs(2), statvfs(3): the types that programs look for, by name and by descriptor; flags; errors.
#include "contract.h"
#include <sys/statvfs.h>

static void type_of(const char *path)
{
	struct statfs s = { 0 }, f = { 0 };
	int r = statfs(path, &s), fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
	fstatfs(fd, &f);
	FACT("%s: %d type %#lx name length %ld fragment %ld, by descriptor the same %d", path, r, (long)s.f_type, (long)s.f_namelen,
	     (long)s.f_frsize, memcmp(&s.f_type, &f.f_type, sizeof s.f_type) == 0);
	close(fd);
}

int main(void)
{
	struct statfs s;
	type_of("/tmp");
	type_of("/proc/self/status");
	type_of("/dev/pts");
	type_of("/dev/null");
	type_of("/sys");
	int p[2], e = eventfd(0, 0), m = memfd_create("m", 0);
	pipe(p);
	CALL("pipe", fstatfs(p[0], &s));
	FACT("pipe type %#lx", (long)s.f_type);
	fstatfs(socket(AF_UNIX, SOCK_STREAM, 0), &s);
	FACT("socket type %#lx", (long)s.f_type);
	fstatfs(e, &s);
	FACT("eventfd type %#lx", (long)s.f_type);
	fstatfs(m, &s);
	FACT("memfd type %#lx", (long)s.f_type);
	CALL("O_PATH", fstatfs(open("/proc", O_PATH), &s));
	CALL("missing", statfs("missing", &s));
	CALL("through a file", ({ put_file("f", ""); statfs("f/x", &s); }));
	CALL("bad descriptor", fstatfs(99, &s));
	CALL("bad pointer", syscall(SYS_statfs, "/", BAD_POINTER));
	mkdir("m", 0755);
	MUST(mount("none", "m", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY | MS_NOATIME, "size=1m"));
	struct statvfs v;
	CALL("statvfs", statvfs("m", &v));
	FACT("flags %#lx: read-only %d nosuid %d", v.f_flag, !!(v.f_flag & ST_RDONLY), !!(v.f_flag & ST_NOSUID));
	FACT("blocks %ld of %ld, free %ld, available %ld", (long)v.f_blocks, (long)v.f_bsize, (long)v.f_bfree, (long)v.f_bavail);
	umount("m");
	MUST(mount("none", "m", "tmpfs", 0, "size=1m"));
	int fd = open("m/file", O_CREAT | O_RDWR, 0644);
	ftruncate(fd, 100000);
	fstatfs(fd, &s);
	FACT("a hole takes nothing: free %ld", (long)s.f_bfree);
	write(fd, "x", 1);
	fstatfs(fd, &s);
	FACT("a byte takes a block: free %ld", (long)s.f_bfree);
	unlink("m/file");
	fstatfs(fd, &s);
	FACT("an open file keeps it: free %ld", (long)s.f_bfree);
	close(fd);
	statfs("m", &s);
	FACT("closed: free %ld", (long)s.f_bfree);
	umount("m");
}
