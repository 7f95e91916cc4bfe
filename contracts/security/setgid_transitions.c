// setgid(2), setregid(2), setresgid(2), setfsgid(2), setgroups(2): as root and as a user.
#include "contract.h"
#include <grp.h>
#include <sys/fsuid.h>

static void show(const char *name)
{
	gid_t r, e, s;
	getresgid(&r, &e, &s);
	FACT("%s: %d %d %d", name, (int)r, (int)e, (int)s);
}

int main(void)
{
	pid_t pid;
	CHILD(pid)
	{
		CALL("setgid by root sets all", setgid(100));
		show("ids");
		CALL("root may go anywhere", setresgid(1, 2, 3));
		show("ids");
		CALL("setregid(-1, 5)", setregid(-1, 5));
		show("the saved follows the effective");
		CALL("setregid(7, -1)", setregid(7, -1));
		show("ids");
		CALL("setfsgid", setfsgid(9));
		CALL("now", setfsgid(-1));
		MUST(setresgid(10, 20, 30));
		FACT("fsgid follows the effective: %d", setfsgid(-1));
		MUST(setuid(1000));
		CALL("a user: to the saved", setegid(30));
		show("ids");
		CALL("to the real", setegid(10));
		CALL("setgid to the saved", setgid(30));
		show("only the effective moves");
		CALL("elsewhere", setgid(99));
		CALL("setregid(20, 10)", setregid(20, 10));
		CALL("setregid(30, 10)", setregid(30, 10));
		show("ids");
		CALL("setresgid(-1, -1, -1)", setresgid(-1, -1, -1));
		gid_t g = 1;
		CALL("setgroups", setgroups(1, &g));
		CALL("setfsgid elsewhere", setfsgid(77));
		CALL("is refused silently", setfsgid(-1));
	}
	REAP(pid);
	CHILD(pid)
	{
		gid_t groups[4] = { 5, 3, 9, 3 }, back[8];
		CALL("setgroups", setgroups(4, groups));
		CALL("how many", getgroups(0, NULL));
		int n = getgroups(8, back);
		FACT("%d: %d %d %d %d", n, (int)back[0], (int)back[1], (int)back[2], (int)back[3]);
		CALL("room too small", getgroups(2, back));
		CALL("negative", getgroups(-1, back));
		CALL("too many", setgroups(65537, groups));
		CALL("bad pointer", setgroups(1, BAD_POINTER));
		CALL("none", setgroups(0, NULL));
		CALL("how many", getgroups(0, NULL));
	}
	REAP(pid);
}
