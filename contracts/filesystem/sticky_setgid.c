// inode(7): the sticky bit and who removes what; set-group-ID directories and what they hand down; cleared bits.
#include "contract.h"

static mode_t mode_of(const char *name)
{
	struct stat st;
	return lstat(name, &st) == -1 ? 0 : st.st_mode & 07777;
}
static int group_of(const char *name)
{
	struct stat st;
	return lstat(name, &st) == -1 ? -1 : (int)st.st_gid;
}
static void user(uid_t uid)
{
	setgid(uid);
	MUST(setuid(uid));
}

int main(void)
{
	umask(0);
	mkdir("t", 0777);
	chmod("t", 01777);
	chown("t", 1002, 0);
	put_file("t/root", "");
	pid_t pid;
	CHILD(pid)
	{
		user(1000);
		put_file("t/mine", "");
		CALL("unlink another's", unlink("t/root"));
		CALL("rename another's", rename("t/root", "t/x"));
		CALL("rename one's own", rename("t/mine", "t/own"));
		CALL("onto another's", rename("t/own", "t/root"));
		CALL("rmdir", mkdir("t/d", 0777) + rmdir("t/d"));
		CALL("another's file opens with O_CREAT", open("t/root", O_CREAT | O_RDONLY, 0644) >= 0);
	}
	REAP(pid);
	CHILD(pid)
	{
		user(1002);
		CALL("the directory's owner unlinks any", unlink("t/own"));
	}
	REAP(pid);
	mkdir("g", 0777);
	chown("g", 0, 5000);
	chmod("g", 02777);
	put_file("g/file", "");
	mkdir("g/dir", 0755);
	symlink("x", "g/link");
	FACT("set-group-ID directory: file %d dir %d mode %o link %d", group_of("g/file"), group_of("g/dir"), mode_of("g/dir"), group_of("g/link"));
	put_file("outside", "");
	rename("outside", "g/moved");
	FACT("moved in keeps its group: %d", group_of("g/moved"));
	CHILD(pid)
	{
		user(1000);
		mkdir("g/mine", 0755);
		FACT("by a user: group %d mode %o", group_of("g/mine"), mode_of("g/mine"));
		CALL("chmod of a group that is not one's own", chmod("g/mine", 02755));
		FACT("the bit is dropped: %o", mode_of("g/mine"));
		close(open("g/suid", O_CREAT | O_WRONLY, 06777));
		FACT("created with set-id bits: %o", mode_of("g/suid"));
		close(open("suid", O_CREAT | O_WRONLY, 0777));
	}
	REAP(pid);
	int fd = open("s", O_CREAT | O_RDWR, 0777);
	chown("s", 1000, 1000);
	chmod("s", 06777);
	CHILD(pid)
	{
		user(1001);
		write(open("s", O_WRONLY), "x", 1);
		FACT("written by another user: %o", mode_of("s"));
	}
	REAP(pid);
	chmod("s", 06767);
	CHILD(pid)
	{
		user(1001);
		truncate("s", 0);
		FACT("truncated: %o", mode_of("s"));
	}
	REAP(pid);
	chmod("s", 06777);
	chown("s", 1000, 1000);
	FACT("chown, even to the same: %o", mode_of("s"));
	chmod("s", 01777);
	CHILD(pid)
	{
		user(1000);
		chmod("s", 01777);
		FACT("sticky on a file by a user: %o", mode_of("s"));
	}
	REAP(pid);
}
