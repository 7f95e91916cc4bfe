// path_resolution(7), symlink(7): chains, loops, trailing slashes, dangling ones, .. behind links, limits of names and paths.
#include "contract.h"

static void opens(const char *name, const char *path)
{
	OK(name, open(path, O_RDONLY));
}

int main(void)
{
	mkdir("dir", 0755);
	mkdir("dir/sub", 0755);
	put_file("dir/file", "");
	put_file("file", "");
	symlink("dir", "link");
	symlink("dir/", "slashed");
	symlink("file", "flink");
	symlink("nothing", "dangling");
	symlink("loop2", "loop1");
	symlink("loop1", "loop2");
	symlink("dir/sub", "deep");
	symlink("", "empty");
	opens("through a link", "link/file");
	opens("through one with a slash", "slashed/file");
	opens("a file's link with a slash", "flink/");
	opens("a directory's link with a slash", "link/");
	opens(".. behind a link is the target's parent", "deep/../file");
	opens("dangling", "dangling");
	opens("a loop", "loop1");
	CALL("an empty target cannot be made", symlink("", "e"));
	CALL("mkdir through a dangling link", mkdir("dangling", 0755));
	CALL("mkdir with a slash through it", mkdir("dangling/", 0755));
	CALL("rmdir of a link to a directory", rmdir("link"));
	CALL("with a slash", rmdir("link/"));
	CALL("unlink of a file with a slash", unlink("file/"));
	CALL("unlink of .", unlink("."));
	CALL("rmdir of .", rmdir("."));
	CALL("rmdir of ..", rmdir("dir/sub/.."));
	CALL("rename of a link with a slash", rename("link/", "x"));
	CALL("lstat with a slash follows", ({ struct stat st; lstat("link/", &st); S_ISDIR(st.st_mode); }));
	CALL("readlink with a slash", ({ char b[9]; readlink("link/", b, 9); }));
	opens("many slashes", "dir////file");
	opens("dots", "./dir/./sub/.././file");
	opens(". of a file", "file/.");
	opens(".. of a file", "file/../file");
	opens(".. of nothing", "nothing/../file");
	char name[32] = "c0", to[32];
	put_file("c0", "");
	for (int i = 1; i <= 41; i++) {
		snprintf(to, sizeof to, "c%d", i);
		symlink(name, to);
		strcpy(name, to);
	}
	opens("a chain of 40", "c40");
	opens("a chain of 41", "c41");
	static char path[5000];
	for (int i = 0; i < 2040; i++)
		memcpy(path + 2 * i, "./", 2);
	strcpy(path + 4080, "dir//////file");
	FACT("length %zu", strlen(path));
	opens("4093 bytes", path);
	strcpy(path + 4080, "dir/////////file");
	opens("4096 bytes", path);
	static char target[4097];
	memset(target, 'x', 4096);
	CALL("a target of 4096", symlink(target, "long"));
	target[4095] = 0;
	CALL("of 4095", symlink(target, "long"));
	char b[8];
	CALL("readlink cuts off", readlink("long", b, 8));
	CALL("readlink of a file", readlink("file", b, 8));
	CALL("with no room", readlink("long", b, 0));
	opens("a name of 256 in it", target);
}
