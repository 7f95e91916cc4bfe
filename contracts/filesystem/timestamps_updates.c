// inode(7): which of atime, mtime, ctime each call moves.
#include "contract.h"

static struct stat before;
static void mark(const char *name)
{
	struct timespec t[2] = { { 1000, 0 }, { 2000, 0 } };
	MUST(utimensat(AT_FDCWD, name, t, AT_SYMLINK_NOFOLLOW));
	MUST(lstat(name, &before));
	clock_moves();
}
static void moved(const char *what, const char *name)
{
	struct stat st;
	MUST(lstat(name, &st));
	FACT("%s:%s%s%s", what, st.st_atime != before.st_atime ? " atime" : "", st.st_mtime != before.st_mtime ? " mtime" : "",
	     st.st_ctim.tv_sec != before.st_ctim.tv_sec || st.st_ctim.tv_nsec != before.st_ctim.tv_nsec ? " ctime" : "");
}
#define AFTER(what, name, call) (mark(name), (void)(call), moved(what, name))

int main(void)
{
	char b[8];
	put_file("f", "content");
	mkdir("d", 0755);
	put_file("d/old", "");
	symlink("f", "s");
	int fd = open("f", O_RDWR);
	AFTER("read", "f", read(fd, b, 1));
	AFTER("read at the end", "f", pread(fd, b, 1, 100));
	AFTER("read of nothing", "f", read(fd, b, 0));
	AFTER("write", "f", write(fd, "x", 1));
	AFTER("write of nothing", "f", write(fd, "x", 0));
	AFTER("truncate", "f", truncate("f", 3));
	AFTER("truncate to the same size", "f", truncate("f", 3));
	AFTER("ftruncate to the same size", "f", ftruncate(fd, 3));
	AFTER("open", "f", open("f", O_RDONLY));
	AFTER("O_TRUNC", "f", open("f", O_WRONLY | O_TRUNC));
	AFTER("O_TRUNC of an empty one", "f", open("f", O_WRONLY | O_TRUNC));
	AFTER("chmod", "f", chmod("f", 0600));
	AFTER("chmod to the same", "f", chmod("f", 0600));
	AFTER("chown to nothing new", "f", chown("f", -1, -1));
	AFTER("link", "f", link("f", "f2"));
	AFTER("unlink of the other", "f", unlink("f2"));
	AFTER("rename", "f", ({ rename("f", "g"); rename("g", "f"); }));
	AFTER("fallocate", "f", fallocate(fd, 0, 0, 100));
	AFTER("fallocate within", "f", fallocate(fd, 0, 0, 50));
	char *m = mmap(NULL, 100, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	AFTER("a store to a mapping and msync", "f", ({ m[0] = 1; msync(m, 100, MS_SYNC); }));
	AFTER("new name in a directory", "d", open("d/new", O_CREAT | O_RDWR, 0644));
	AFTER("opened again", "d", open("d/new", O_CREAT | O_RDWR, 0644));
	AFTER("rename in it", "d", rename("d/new", "d/newer"));
	AFTER("unlink in it", "d", unlink("d/newer"));
	AFTER("mkdir in it", "d", mkdir("d/sub", 0755));
	AFTER("a write to a file in it", "d", put_file("d/old", "x"));
	AFTER("listing it", "d", ({ DIR *dir = opendir("d"); while (readdir(dir)) ; closedir(dir); }));
	AFTER("a lookup in it", "d", access("d/nothing", F_OK));
	AFTER("readlink", "s", readlink("s", b, 8));
	AFTER("following it", "s", open("s", O_RDONLY));
	AFTER("read with O_NOATIME", "f", read(open("f", O_RDONLY | O_NOATIME), b, 1));
	AFTER("stat", "f", stat("f", &(struct stat){ 0 }));
	AFTER("a fork's write", "f", ({ pid_t p = fork(); if (p == 0) { pwrite(fd, "c", 1, 0); _exit(0); } REAP(p); }));
}
