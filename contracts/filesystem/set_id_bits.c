// inode(7): the sticky bit, set-group-ID directories, and set-ID bits that writing, truncating and chown clear.
#include "contract.h"
#include <grp.h>
#include <sys/sysmacros.h>

static int mode(const char *path)
{
	struct stat s;
	return lstat(path, &s) == -1 ? -errno : (int)(s.st_mode & 07777);
}

static int group(const char *path)
{
	struct stat s;
	lstat(path, &s);
	return s.st_gid;
}

int main(void)
{
	umask(0);
	chmod(".", 0777);
	mkdir("sticky", 0), chmod("sticky", 01777);
	put_file("sticky/root", ""), put_file("sticky/user", "");
	chown("sticky/user", 1, 1);
	mkdir("group", 0), chown("group", 0, 7), chmod("group", 02777);
	put_file("plain", ""), chmod("plain", 06777);
	mkdir("group/d", 0755);
	put_file("group/f", "");
	FACT("in a set-group-ID directory: directory %o group %d, file group %d", mode("group/d"), group("group/d"), group("group/f"));
	int fd = open("group/x", O_CREAT | O_RDWR, 02775);
	FACT("root keeps the bit %o", mode("group/x"));
	write(fd, "x", 1);
	FACT("root writes: %o", mode("plain"));
	chown("plain", 1, 1);
	FACT("chown clears: %o", mode("plain"));
	chmod("plain", 06745);
	chown("plain", 1, 1);
	FACT("without group execution: %o", mode("plain"));
	mkdir("dir", 0), chmod("dir", 06777);
	chown("dir", 1, 1);
	FACT("of a directory they stay: %o", mode("dir"));
	pid_t user;
	CHILD(user) {
		MUST(setresgid(1, 1, 1));
		MUST(setgroups(0, NULL));
		MUST(setresuid(1, 1, 1));
		CALL("another's file in a sticky directory", unlink("sticky/root"));
		CALL("renaming it", rename("sticky/root", "sticky/r"));
		CALL("over it", rename("sticky/user", "sticky/root"));
		CALL("one's own", unlink("sticky/user"));
		open("group/y", O_CREAT | O_RDWR, 02775);
		FACT("a foreign group's bit goes: %o group %d", mode("group/y"), group("group/y"));
		mkdir("group/e", 0755);
		FACT("but a directory has it: %o", mode("group/e"));
		put_file("mine", ""), chmod("mine", 06777);
		FACT("mine %o", mode("mine"));
		put_file("mine", "x");
		FACT("written %o", mode("mine"));
		chmod("mine", 06777);
		truncate("mine", 0);
		FACT("truncated %o", mode("mine"));
		chmod("mine", 06777);
		CALL("chown to oneself", chown("mine", 1, 1));
		FACT("changed %o", mode("mine"));
		CALL("to another", chown("mine", 2, -1));
		CALL("to a foreign group", chown("mine", -1, 7));
		CALL("nothing at all", chown("mine", -1, -1));
		CALL("nothing at all, another's", chown("plain", -1, -1));
		CALL("chmod of another's", chmod("sticky/root", 0777));
		CALL("utimes now of what can be written", utimensat(AT_FDCWD, "plain", NULL, 0));
		CALL("O_NOATIME of another's", open("sticky/root", O_RDONLY | O_NOATIME));
		CALL("set-group-ID of a foreign group", chmod("group/y", 02775));
		FACT("is dropped: %o", mode("group/y"));
		CALL("device", mknod("dev", S_IFCHR | 0644, makedev(1, 3)));
		CALL("whiteout", mknod("white", S_IFCHR | 0644, 0));
		CALL("fifo", mknod("fifo", S_IFIFO | 0644, 0));
		_exit(0);
	}
	ENDED("user", user);
}
