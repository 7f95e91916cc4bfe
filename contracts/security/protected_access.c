// credentials(7): filesystem ids decide about files, the effective about the rest; O_NOATIME, links, sticky, umask per thread.
#include "contract.h"
#include <sys/fsuid.h>

static void *other(void *arg)
{
	syscall(SYS_setfsuid, 1000);
	CALL("in a thread with fsuid 1000", open("secret", O_RDONLY));
	syscall(SYS_setresuid, -1, 1000, -1); // the raw call: this thread alone
	FACT("the thread's effective id %d", (int)geteuid());
	return NULL;
}

int main(void)
{
	put_file("secret", "s");
	chmod("secret", 0600);
	put_file("readable", "r");
	JOIN(THREAD(other, NULL));
	FACT("the first thread's stays %d", (int)geteuid());
	OK("and it opens", open("secret", O_RDONLY));
	pid_t pid;
	CHILD(pid)
	{
		setfsgid(1000);
		setfsuid(1000);
		CALL("fsuid: open", open("secret", O_RDONLY));
		CALL("access asks the real id", access("secret", R_OK));
		CALL("creation", open("new", O_CREAT | O_RDWR, 0644));
		CALL("kill is another matter", kill(1, 0));
	}
	REAP(pid);
	CHILD(pid)
	{
		setresuid(1000, 0, 0);
		CALL("real 1000, effective 0: open", open("secret", O_RDONLY) >= 0 ? 0 : -1);
		CALL("access", access("secret", R_OK));
		CALL("AT_EACCESS", faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS));
	}
	REAP(pid);
	chmod(".", 0777);
	CHILD(pid)
	{
		setuid(1000);
		OK("readable", open("readable", O_RDONLY));
		CALL("O_NOATIME of another's", open("readable", O_RDONLY | O_NOATIME));
		OK("a link to another's", link("readable", "linked"));
		CALL("chmod another's", chmod("readable", 0666));
		CALL("utimes to now without write", utimes("readable", NULL));
		OK("its own file", open("own", O_CREAT | O_RDWR, 0644));
		CALL("chown it away", chown("own", 0, -1));
		CALL("chgrp to a foreign group", chown("own", -1, 5));
		CALL("chown to itself", chown("own", 1000, -1));
		OK("open files keep their rights", ({ int fd = open("own", O_RDWR); chmod("own", 0); write(fd, "x", 1); }));
		CALL("but not new ones", open("own", O_RDWR));
	}
	REAP(pid);
}
