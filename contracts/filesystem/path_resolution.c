// path_resolution(7): slashes at the end, dots, long names and paths, loops, directories that cannot be searched.
#include "contract.h"

static void all(const char *path)
{
	struct stat s;
	FACT("%.20s", path);
	CALL("  stat", stat(path, &s));
	CALL("  lstat", lstat(path, &s));
	CALL("  open", open(path, O_RDONLY) >= 0 ? 0 : -1);
	CALL("  O_CREAT", open(path, O_RDWR | O_CREAT, 0644) >= 0 ? 0 : -1);
	CALL("  O_CREAT|O_EXCL", open(path, O_RDWR | O_CREAT | O_EXCL, 0644) >= 0 ? 0 : -1);
	CALL("  mkdir", mkdir(path, 0755));
	CALL("  mknod", mknod(path, S_IFREG | 0644, 0));
	CALL("  symlink", symlink("x", path));
	CALL("  link", link("f", path));
	CALL("  rename to", rename("d2", path));
	CALL("  rename from", rename(path, "nowhere/x"));
	CALL("  unlink", unlink(path));
	CALL("  rmdir", rmdir(path));
	CALL("  truncate", truncate(path, 0));
	CALL("  readlink", readlink(path, (char[8]){ 0 }, 8));
	CALL("  chdir", chdir(path));
	put_file("f", ""), mkdir("d", 0755), mkdir("d2", 0755), mkdir("d/e", 0755);
}

int main(void)
{
	put_file("f", ""), mkdir("d", 0755), mkdir("d2", 0755), mkdir("d/e", 0755);
	symlink("d", "ld"), symlink("f", "lf"), symlink("none", "dangling"), symlink("loop", "loop");
	int here = open(".", O_RDONLY);
	static char name[256], path[5000];
	memset(name, 'n', 255);
	const char *paths[] = { "f/", "f/.", "f/..", "none/", "none/.", "dangling", "dangling/", "lf/", "loop", "loop/", "loop/x", "/", ".", "..", "d/.",
		"d/..", "", "ld/", name, "nowhere/x", "f/x" };
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		all(paths[i]);
		fchdir(here);
	}
	for (int i = 0; i < 4095; i += 2)
		memcpy(path + i, "./", 2);
	path[4095] = 0;
	CALL("path of 4095", access(path, F_OK));
	path[4095] = '/';
	CALL("path of 4096", access(path, F_OK));
	memcpy(path, "./", 2);
	CALL("symlink to a path of 4095", symlink((path[4095] = 0, path), "long"));
	CALL("through it", access("long", F_OK));
	CALL("// is /", access("//tmp//", F_OK));
}
