// path_resolution(7), inode(7): owner, group and other bits, each against reading, writing, executing and searching.
#include "contract.h"

static void as(const char *who, uid_t uid, gid_t gid, gid_t extra)
{
	pid_t pid;
	CHILD(pid)
	{
		syscall(SYS_setgroups, extra ? 1 : 0, &extra);
		MUST(setresgid(gid, gid, gid));
		MUST(setresuid(uid, uid, uid));
		char text[512] = "";
		for (int mode = 0; mode < 8; mode++) {
			char name[16], inner[24];
			snprintf(name, sizeof name, "f%d", mode);
			snprintf(inner, sizeof inner, "d%d/x", mode);
			bool r = open(name, O_RDONLY) >= 0, w = open(name, O_WRONLY) >= 0, x = access(name, X_OK) == 0;
			bool list = open(({ name[0] = 'd'; name; }), O_RDONLY) >= 0, search = open(inner, O_RDONLY) >= 0;
			inner[3] = 'n';
			bool create = open(inner, O_CREAT | O_EXCL | O_WRONLY, 0644) >= 0;
			unlink(inner);
			sprintf(text + strlen(text), " %s%s%s/%s%s%s", r ? "r" : "-", w ? "w" : "-", x ? "x" : "-", list ? "l" : "-", create ? "c" : "-", search ? "s" : "-");
		}
		FACT("%s, modes 0 to 7:%s", who, text);
	}
	REAP(pid);
}
static void modes(int shift, mode_t others)
{
	for (int mode = 0; mode < 8; mode++) {
		char name[16];
		snprintf(name, sizeof name, "f%d", mode);
		MUST(chmod(name, mode << shift | others));
		name[0] = 'd';
		MUST(chmod(name, mode << shift | others));
	}
}

int main(void)
{
	umask(0);
	for (int mode = 0; mode < 8; mode++) {
		char name[16], inner[24];
		snprintf(name, sizeof name, "f%d", mode);
		put_file(name, "");
		MUST(chown(name, 1000, 2000));
		name[0] = 'd';
		mkdir(name, 0777);
		snprintf(inner, sizeof inner, "%s/x", name);
		put_file(inner, "");
		MUST(chown(name, 1000, 2000));
	}
	modes(6, 0077);
	as("the owner, by the owner's bits", 1000, 3000, 0);
	as("the owner in the group: not by the group's", 1000, 2000, 0);
	modes(3, 0707);
	as("the group", 1001, 2000, 0);
	as("by a supplementary group", 1001, 3000, 2000);
	modes(0, 0770);
	as("others", 1001, 3000, 0);
	as("root", 0, 0, 0);
	modes(6, 0);
	as("root by the owner's bits", 0, 0, 0);
}
