// openat2(2): RESOLVE_* and the checks that openat does not make.
#include "contract.h"

struct how { uint64_t flags, mode, resolve; };
static int dir;

static long o2(const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct how h = { flags, mode, resolve };
	long fd = syscall(437, dir, path, &h, sizeof h);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

enum { XDEV = 1, NO_MAGIC = 2, NO_LINKS = 4, BENEATH = 8, IN_ROOT = 16 };

int main(void)
{
	mkdir("d", 0755), mkdir("d/e", 0755);
	put_file("d/f", ""), put_file("out", "");
	symlink("f", "d/l"), symlink("/f", "d/abs"), symlink("../out", "d/up"), symlink("e/../f", "d/around"), symlink("/proc/self/cwd", "d/magic");
	dir = open("d", O_PATH);
	CALL("plain", o2("f", O_RDONLY, 0, 0));
	CALL("unknown flag", o2("f", 1ull << 40, 0, 0));
	CALL("mode without O_CREAT", o2("f", O_RDONLY, 0644, 0));
	CALL("mode too large", o2("n", O_CREAT, 0100644, 0));
	CALL("O_PATH with O_RDWR", o2("f", O_PATH | O_RDWR, 0, 0));
	CALL("unknown resolve", o2("f", O_RDONLY, 0, 0x100));
	CALL("beneath and in root", o2("f", O_RDONLY, 0, BENEATH | IN_ROOT));
	struct how h = { O_RDONLY };
	char large[64] = { 0 };
	CALL("struct too small", syscall(437, dir, "f", &h, 23));
	CALL("larger, zero", syscall(437, dir, "f", large, 64) >= 0);
	large[40] = 1;
	CALL("larger, not zero", syscall(437, dir, "f", large, 64));
	CALL("larger than a page", syscall(437, dir, "f", large, 5000));
	CALL("beneath: a link inside", o2("l", O_RDONLY, 0, BENEATH));
	CALL("an absolute link", o2("abs", O_RDONLY, 0, BENEATH));
	CALL("an absolute path", o2("/f", O_RDONLY, 0, BENEATH));
	CALL("..", o2("..", O_PATH, 0, BENEATH));
	CALL("a link up", o2("up", O_RDONLY, 0, BENEATH));
	CALL(".. inside", o2("around", O_RDONLY, 0, BENEATH));
	CALL("a magic link", o2("magic", O_PATH, 0, BENEATH));
	CALL("in root: absolute", o2("/f", O_RDONLY, 0, IN_ROOT));
	CALL("an absolute link", o2("abs", O_RDONLY, 0, IN_ROOT));
	CALL(".. stays", o2("../../f", O_RDONLY, 0, IN_ROOT));
	CALL("a link up", o2("up", O_RDONLY, 0, IN_ROOT));
	CALL("a magic link", o2("magic", O_PATH, 0, IN_ROOT));
	CALL("no links: a file", o2("f", O_RDONLY, 0, NO_LINKS));
	CALL("a link", o2("l", O_RDONLY, 0, NO_LINKS));
	CALL("a link itself", o2("l", O_PATH | O_NOFOLLOW, 0, NO_LINKS));
	CALL("no magic: a link", o2("l", O_RDONLY, 0, NO_MAGIC));
	CALL("a magic link", o2("/proc/self/cwd", O_PATH, 0, NO_MAGIC));
	CALL("a magic link itself", o2("/proc/self/cwd", O_PATH | O_NOFOLLOW, 0, NO_MAGIC));
	CALL("no crossing: inside", o2("around", O_RDONLY, 0, XDEV));
	CALL("an absolute link", o2("abs", O_RDONLY, 0, XDEV));
	CALL("an absolute path", o2("/", O_PATH, 0, XDEV));
	CALL("into another mount", o2("/proc/self", O_PATH, 0, XDEV));
	CALL("create beneath", o2("new", O_CREAT | O_EXCL | O_RDWR, 0600, BENEATH));
	CALL("create up", o2("../new", O_CREAT | O_EXCL | O_RDWR, 0600, BENEATH));
}
