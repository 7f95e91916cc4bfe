// acl(5), "ACCESS CHECK ALGORITHM": owner, named users, groups and others, with and without a mask, against reading, writing and executing.
#include "contract.h"
#include "acl.h"

static void as(const char *who, uid_t uid, gid_t gid, int extra, const gid_t *groups)
{
	pid_t pid;
	CHILD(pid)
	{
		char text[256] = "";
		syscall(SYS_setgroups, extra, groups);
		MUST(setresgid(gid, gid, gid));
		MUST(setresuid(uid, uid, uid));
		for (int want = 1; want < 8; want++) {
			bool ok = faccessat(AT_FDCWD, "f", want, 0) == 0;
			sprintf(text + strlen(text), " %c%c%c=%s", want & 4 ? 'r' : '-', want & 2 ? 'w' : '-', want & 1 ? 'x' : '-', ok ? "yes" : "no");
		}
		bool r = open("f", O_RDONLY) >= 0, w = open("f", O_WRONLY) >= 0, rw = open("f", O_RDWR) >= 0;
		FACT("%s:%s; opens:%s%s%s", who, text, r ? " r" : "", w ? " w" : "", rw ? " rw" : "");
	}
	REAP(pid);
}
static void all(const char *list)
{
	FACT("--- %s", list);
	MUST(acl_set("f", ACCESS_LIST, list));
	gid_t both[] = { 2001, 2002 };
	as("owner", 1000, 3000, 0, NULL);
	as("owner in the group", 1000, 2000, 0, NULL);
	as("user 1001", 1001, 3000, 0, NULL);
	as("user 1001 in the group", 1001, 2000, 0, NULL);
	as("user 1002", 1002, 3000, 0, NULL);
	as("the group", 1003, 2000, 0, NULL);
	as("group 2001", 1003, 2001, 0, NULL);
	as("groups 2001 and 2002", 1003, 3000, 2, both);
	as("all three groups", 1003, 2000, 2, both);
	as("others", 1003, 3000, 0, NULL);
	as("root", 0, 0, 0, NULL);
}

int main(void)
{
	put_file("f", "");
	chown("f", 1000, 2000);
	all("u::rw-,u:1001:r--,u:1002:---,g::-w-,g:2001:r--,g:2002:--x,m::rwx,o::r-x");
	all("u::---,u:1001:rwx,u:1002:rwx,g::rwx,g:2001:rwx,g:2002:rwx,m::r--,o::rwx");
	all("u::rwx,u:1001:rwx,u:1002:rw-,g::r-x,g:2001:rwx,g:2002:rwx,m::---,o::r--");
	all("u::rwx,g::---,g:2001:r--,g:2002:-w-,m::rw-,o::rwx");
	all("u::r--,g::rw-,m::r-x,o::--x");

	FACT("--- directories");
	mkdir("d", 0700);
	put_file("d/x", "");
	chmod("d/x", 0666);
	pid_t pid;
	const char *lists[] = { "u::rwx,u:1001:--x,g::---,m::rwx,o::---", "u::rwx,u:1001:r--,g::---,m::rwx,o::---", "u::rwx,u:1001:rwx,g::---,m::r-x,o::---", "u::rwx,u:1001:rwx,g::---,m::rwx,o::---" };
	for (int i = 0; i < 4; i++) {
		MUST(acl_set("d", ACCESS_LIST, lists[i]));
		CHILD(pid)
		{
			MUST(setresgid(3000, 3000, 3000));
			MUST(setresuid(1001, 1001, 1001));
			FACT("%s", lists[i]);
			OK("list", open("d", O_RDONLY));
			OK("reach", open("d/x", O_RDWR));
			OK("create", open("d/new", O_CREAT | O_WRONLY, 0600));
			CALL("remove", unlink("d/new"));
		}
		REAP(pid);
	}
}
