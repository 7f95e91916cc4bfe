// stat(2), link(2), mkdir(2), rmdir(2): link counts of files and directories; ctime moves with them; sizes of directories.
#include "contract.h"

static int links(const char *name)
{
	struct stat st;
	return lstat(name, &st) == -1 ? -errno : (int)st.st_nlink;
}
static long long ctime_of(const char *name)
{
	struct stat st;
	lstat(name, &st);
	return st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec;
}

int main(void)
{
	mkdir("d", 0755);
	FACT("an empty directory %d", links("d"));
	mkdir("d/a", 0755);
	mkdir("d/b", 0755);
	put_file("d/file", "");
	FACT("with two in it %d", links("d"));
	rename("d/a", "a");
	FACT("one moved out %d", links("d"));
	rmdir("d/b");
	FACT("one removed %d", links("d"));
	mkdir("e", 0755);
	mkdir("d/sub", 0755);
	rename("d/sub", "e/sub");
	FACT("moved across: %d %d", links("d"), links("e"));
	mkdir("f", 0755);
	rename("f", "e/sub");
	FACT("replaced: %d %d", links("e"), links("e/sub"));
	int fd = open("d", O_RDONLY);
	unlink("d/file");
	rmdir("d");
	struct stat st;
	fstat(fd, &st);
	FACT("a removed one that is open %d", (int)st.st_nlink);
	CALL("create in it", openat(fd, "x", O_CREAT | O_RDWR, 0644));
	CALL("its parent", openat(fd, "..", O_RDONLY) >= 0);
	put_file("f1", "");
	long long before = ctime_of("f1");
	clock_moves();
	link("f1", "f2");
	IS("link moves ctime", ctime_of("f1") > before);
	FACT("links %d", links("f2"));
	before = ctime_of("f1");
	clock_moves();
	rename("f2", "f3");
	IS("rename moves ctime", ctime_of("f1") > before);
	before = ctime_of("f1");
	clock_moves();
	unlink("f3");
	IS("unlink of another name moves ctime", ctime_of("f1") > before);
	FACT("links %d", links("f1"));
	put_file("g", "");
	link("g", "g2");
	fd = open("g", O_RDONLY);
	rename("f1", "g");
	fstat(fd, &st);
	FACT("replaced by rename: %d left, the new one %d", (int)st.st_nlink, links("g"));
	symlink("g", "s");
	link("s", "s2");
	FACT("a symbolic link has links: %d", links("s"));
	stat("e", &st);
	IS("a directory's size is its names'", st.st_size > 0);
	before = st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec;
	clock_moves();
	put_file("e/new", "");
	stat("e", &st);
	IS("a new name moves the directory's mtime", st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec > before);
}
