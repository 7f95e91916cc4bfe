// stat(2), lstat(2), fstat(2), fstatat(2): fields of files, directories, links, fifos; links; times move as they should.
#include "contract.h"

int main(void)
{
	put_file("f", "12345");
	mkdir("d", 0750);
	symlink("f", "l");
	link("f", "hard");
	struct stat s, t;
	CALL("stat", stat("f", &s));
	FACT("size %ld links %d mode %o uid %d gid %d", (long)s.st_size, (int)s.st_nlink, s.st_mode, s.st_uid, s.st_gid);
	IS("blocks of 512", s.st_blocks > 0 && s.st_blksize >= 512);
	stat("hard", &t);
	IS("hard link is the same file", s.st_ino == t.st_ino && s.st_dev == t.st_dev);
	stat("l", &t);
	IS("stat follows", s.st_ino == t.st_ino);
	lstat("l", &t);
	FACT("lstat: link %d size %ld mode %o", S_ISLNK(t.st_mode), (long)t.st_size, t.st_mode);
	stat("d", &t);
	FACT("directory: links %d mode %o", (int)t.st_nlink, t.st_mode);
	mkdir("d/sub", 0755);
	stat("d", &t);
	FACT("with a subdirectory: links %d", (int)t.st_nlink);
	CALL("AT_EMPTY_PATH", fstatat(open("f", O_PATH), "", &t, AT_EMPTY_PATH));
	IS("the same", t.st_ino == s.st_ino);
	CALL("empty path", fstatat(AT_FDCWD, "", &t, 0));
	CALL("bad flag", syscall(SYS_newfstatat, AT_FDCWD, "f", &t, 0x10000));
	CALL("bad address", syscall(SYS_newfstatat, AT_FDCWD, "f", BAD_POINTER, 0));
	CALL("nothing", fstat(99, &t));
	CALL("missing", stat("missing", &t));
	stat("/dev/null", &t);
	FACT("/dev/null: char %d device %d:%d", S_ISCHR(t.st_mode), (int)(t.st_rdev >> 8), (int)(t.st_rdev & 255));
	struct stat before;
	stat("f", &before);
	clock_moves();
	chmod("f", 0600);
	stat("f", &s);
	IS("chmod moves ctime only", s.st_ctim.tv_nsec != before.st_ctim.tv_nsec && s.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
}
