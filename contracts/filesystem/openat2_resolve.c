// openat2(2): struct open_how, RESOLVE_ flags against .., absolute names, links, magic links and mounts.
#include "contract.h"
#include <linux/openat2.h>

static int root;
static long open2(const char *path, unsigned long flags, unsigned long resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve };
	long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
	return fd < 0 ? -1 : (close(fd), 0);
}

int main(void)
{
	mkdir("root", 0755);
	mkdir("root/sub", 0755);
	mkdir("root/mnt", 0755);
	put_file("root/file", "");
	put_file("outside", "");
	symlink("file", "root/rel");
	symlink("/file", "root/abs");
	symlink("../outside", "root/up");
	symlink("/proc/self/fd/0", "root/magic");
	symlink("sub", "root/dirlink");
	put_file("root/sub/x", "");
	MUST(mount("none", "root/mnt", "tmpfs", 0, NULL));
	root = MUST(open("root", O_PATH | O_DIRECTORY));
	static const struct { unsigned long bit; const char *name; } bits[] = { { 0, "none" }, { 1, "NO_XDEV" }, { 2, "NO_MAGICLINKS" }, { 4, "NO_SYMLINKS" },
		{ 8, "BENEATH" }, { 16, "IN_ROOT" } };
	const char *paths[] = { "file", "rel", "abs", "up", "magic", "dirlink/x", "sub/../file", "sub/../../outside", "/proc/version", "..", "mnt", "mnt/..", "/proc/self/exe" };
	for (int i = 0; i < COUNT_OF(paths); i++) {
		char text[256] = "";
		for (int k = 0; k < COUNT_OF(bits); k++) {
			errno = 0;
			long r = open2(paths[i], O_RDONLY, bits[k].bit);
			sprintf(text + strlen(text), " %s:%s", bits[k].name, r == 0 ? "ok" : errno_name(errno));
		}
		FACT("%s:%s", paths[i], text);
	}
	struct { struct open_how how; unsigned long more; } big = { .how = { .flags = O_RDONLY } };
	OK("a larger structure of zeros", syscall(SYS_openat2, root, "file", &big, sizeof big));
	big.more = 1;
	CALL("with something in it", syscall(SYS_openat2, root, "file", &big, sizeof big));
	CALL("a smaller one", syscall(SYS_openat2, root, "file", &big, 16));
	CALL("an unknown flag", open2("file", 1ul << 40, 0));
	CALL("a flag that openat ignores", open2("file", 1 << 30, 0));
	CALL("an unknown resolve bit", open2("file", O_RDONLY, 64));
	CALL("BENEATH and IN_ROOT", open2("file", O_RDONLY, 24));
	struct open_how mode = { .flags = O_RDONLY, .mode = 0644 };
	CALL("a mode without O_CREAT", syscall(SYS_openat2, root, "file", &mode, sizeof mode));
	mode.flags = O_CREAT | O_RDWR;
	mode.mode = 010644;
	CALL("a mode with a type", syscall(SYS_openat2, root, "new", &mode, sizeof mode));
	CALL("O_PATH with O_RDWR", open2("file", O_PATH | O_RDWR, 0));
	CALL("O_CREAT beneath", ({ mode.mode = 0600; mode.resolve = RESOLVE_BENEATH; syscall(SYS_openat2, root, "../escape", &mode, sizeof mode); }));
	CALL("RESOLVE_CACHED of what is there", open2("file", O_RDONLY, 32));
	umount("root/mnt");
}
