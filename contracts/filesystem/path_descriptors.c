// open(2): O_PATH, O_DIRECTORY, O_NOFOLLOW, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW: what may be done with such descriptors.
#include "contract.h"

int main(void)
{
	struct stat st;
	char b[16] = "";
	put_file("file", "data");
	mkdir("dir", 0755);
	put_file("dir/inner", "");
	symlink("file", "link");
	int p = MUST(open("file", O_PATH)), d = MUST(open("dir", O_PATH)), l = MUST(open("link", O_PATH | O_NOFOLLOW));
	FACT("flags %#o", fcntl(p, F_GETFL) & ~O_LARGEFILE);
	CALL("read", read(p, b, 1));
	CALL("write", write(p, "x", 1));
	CALL("lseek", lseek(p, 0, SEEK_SET));
	CALL("fstat", fstat(p, &st));
	CALL("fchmod", syscall(SYS_fchmod, p, 0600));
	CALL("fchown", syscall(SYS_fchown, p, 0, 0));
	CALL("ftruncate", ftruncate(p, 0));
	CALL("ioctl", ioctl(p, FIONREAD, b));
	CALL("mmap", (long)mmap(NULL, 1, PROT_READ, MAP_PRIVATE, p, 0));
	OK("dup", dup(p));
	CALL("fcntl F_SETFL", fcntl(p, F_SETFL, O_NONBLOCK));
	CALL("fcntl F_SETFD", fcntl(p, F_SETFD, FD_CLOEXEC));
	CALL("flock", flock(p, LOCK_SH));
	CALL("fsync", fsync(p));
	CALL("getdents", syscall(SYS_getdents64, d, b, 16));
	CALL("fchdir", fchdir(d));
	CALL("here", access("inner", F_OK));
	chdir("..");
	OK("openat in it", openat(d, "inner", O_RDONLY));
	CALL("openat of itself by an empty name", openat(p, "", O_RDONLY));
	CALL("fstatat AT_EMPTY_PATH of a link", fstatat(l, "", &st, AT_EMPTY_PATH));
	FACT("it is the link: %d", S_ISLNK(st.st_mode));
	CALL("readlinkat with an empty name", readlinkat(l, "", b, sizeof b));
	FACT("'%s'", b);
	CALL("fchownat AT_EMPTY_PATH", fchownat(p, "", 0, 0, AT_EMPTY_PATH));
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", p);
	int again = open(path, O_RDWR);
	CALL("opened by procfs", read(again, b, 4));
	CALL("chmod by procfs", chmod(path, 0640));
	CALL("without rights", ({ chmod("file", 0); open("file", O_PATH) >= 0; }));
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		IS("a user opens a path without rights", open("file", O_PATH) >= 0);
		CALL("but not for reading", open("file", O_RDONLY));
		CALL("nor by procfs", open(path, O_RDONLY));
	}
	REAP(pid);
	CALL("O_PATH ignores O_CREAT", open("new", O_PATH | O_CREAT, 0644));
	CALL("O_PATH and O_TRUNC", ({ chmod("file", 0644); open("file", O_PATH | O_TRUNC); stat("file", &st); (int)st.st_size; }));
	CALL("O_PATH and O_DIRECTORY of a file", open("file", O_PATH | O_DIRECTORY));
	CALL("O_DIRECTORY of a link to a directory", ({ symlink("dir", "dlink"); open("dlink", O_DIRECTORY) >= 0; }));
	CALL("with O_NOFOLLOW", open("dlink", O_DIRECTORY | O_NOFOLLOW));
	CALL("O_NOFOLLOW in the middle does not matter", open("dlink/inner", O_NOFOLLOW) >= 0);
	CALL("faccessat of a link itself", faccessat(AT_FDCWD, "link", F_OK, AT_SYMLINK_NOFOLLOW));
	CALL("fchmodat AT_SYMLINK_NOFOLLOW of a file", fchmodat(AT_FDCWD, "file", 0600, AT_SYMLINK_NOFOLLOW));
	CALL("execveat of O_PATH", ({ char *a[] = { "x", NULL }; syscall(SYS_execveat, p, "", a, NULL, AT_EMPTY_PATH); }));
}
