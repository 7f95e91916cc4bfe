// capabilities(7), "File capabilities": what a program with security.capability gets, and what ends it; revision 3 in user namespaces.
#include "contract.h"
#include <sys/auxv.h>
#include <sys/xattr.h>

enum { CHOWN = 1 << 0, KILL = 1 << 5, SETUID = 1 << 7, SYS_ADMIN = 1 << 21, EFFECTIVE = 1 };
struct caps { uint32_t magic, permitted, inheritable, permitted2, inheritable2, root; };

static int set(const char *file, unsigned flags, unsigned permitted, unsigned inheritable)
{
	struct caps c = { 0x02000000 | flags, permitted, inheritable, 0, 0, 0 };
	return setxattr(file, "security.capability", &c, 20, 0);
}
static int set3(const char *file, unsigned flags, unsigned permitted, unsigned root)
{
	struct caps c = { 0x03000000 | flags, permitted, 0, 0, 0, root };
	return setxattr(file, "security.capability", &c, 24, 0);
}
static void show(const char *file)
{
	struct caps c = { 0 };
	int n = getxattr(file, "security.capability", &c, sizeof c);
	if (n < 0)
		FACT("  reads %s", errno_name(errno));
	else
		FACT("  reads %d bytes: %08x %x %x root %d", n, c.magic, c.permitted, c.inheritable, c.root);
}
static void copy(const char *to, mode_t mode)
{
	char b[65536];
	int in = MUST(open("/proc/self/exe", O_RDONLY)), out = MUST(open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755));
	for (int n; (n = read(in, b, sizeof b)) > 0;)
		MUST(write(out, b, n));
	close(in), close(out);
	MUST(chmod(to, mode));
}
static void user(void)
{
	MUST(setresgid(1000, 1000, 1000));
	MUST(setresuid(1000, 1000, 1000));
	prctl(PR_SET_DUMPABLE, 1);
}
static void run(const char *file, const char *what)
{
	pid_t pid;
	CHILD(pid)
	{
		execl(file, file, what, NULL);
		FACT("%s: %s", what, errno_name(errno));
	}
	REAP(pid);
}
static void as_user(const char *file, const char *what)
{
	pid_t pid;
	CHILD(pid)
	{
		user();
		run(file, what);
	}
	REAP(pid);
}
static void inherit(unsigned mask)
{
	struct { uint32_t version; int pid; } head = { 0x20080522, 0 };
	struct { uint32_t e, p, i; } caps[2];
	MUST(syscall(SYS_capget, &head, caps));
	caps[0].i = mask;
	MUST(syscall(SYS_capset, &head, caps));
}
static void put(pid_t pid, const char *file, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	int fd = MUST(open(path, O_WRONLY));
	MUST(write(fd, text, strlen(text)));
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		char *s = get_file("/proc/self/status");
		FACT("%s: permitted %s effective %s ambient %s; ids %d %d secure %d dumpable %d", argv[1], line_of(s, "CapPrm:"), line_of(s, "CapEff:"), line_of(s, "CapAmb:"),
		     getuid(), geteuid(), (int)getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE));
		return 0;
	}
	pid_t pid;
	chmod(".", 0777);
	copy("f", 0755);
	FACT("--- an ordinary user");
	as_user("f", "no capabilities");
	CALL("set", set("f", EFFECTIVE, KILL | CHOWN, 0));
	show("f");
	as_user("f", "permitted and effective");
	CALL("set", set("f", 0, KILL, 0));
	as_user("f", "permitted only");
	CALL("set", set("f", EFFECTIVE, 0, KILL | SETUID));
	as_user("f", "inheritable, nothing inherited");
	CHILD(pid)
	{
		inherit(KILL | SYS_ADMIN);
		as_user("f", "inheritable and inherited");
	}
	REAP(pid);
	CHILD(pid)
	{
		prctl(PR_SET_KEEPCAPS, 1);
		user();
		inherit(SYS_ADMIN);
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0);
		run("f", "an ambient set and a file with capabilities");
	}
	REAP(pid);
	CALL("set", set("f", EFFECTIVE, KILL | CHOWN, 0));
	CHILD(pid)
	{
		MUST(prctl(PR_CAPBSET_DROP, 5, 0, 0, 0));
		as_user("f", "beyond the bounding set, effective");
		set("f", 0, KILL | CHOWN, 0);
		as_user("f", "beyond the bounding set, permitted");
	}
	REAP(pid);
	CHILD(pid)
	{
		user();
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		run("f", "no_new_privs");
	}
	REAP(pid);
	set("f", EFFECTIVE, KILL, 0);
	CHILD(pid)
	{
		MUST(unshare(CLONE_NEWNS));
		mkdir("here", 0755);
		MUST(mount(".", "here", NULL, MS_BIND, NULL));
		MUST(mount(NULL, "here", NULL, MS_BIND | MS_REMOUNT | MS_NOSUID, NULL));
		as_user("here/f", "nosuid");
	}
	REAP(pid);

	FACT("--- root");
	run("f", "root");
	CHILD(pid)
	{
		prctl(PR_SET_SECUREBITS, 1);
		run("f", "root with SECBIT_NOROOT");
	}
	REAP(pid);
	chmod("f", 04755);
	set("f", EFFECTIVE, KILL, 0);
	as_user("f", "set-user-ID root and capabilities");
	removexattr("f", "security.capability");
	as_user("f", "set-user-ID root");
	chmod("f", 0755);

	FACT("--- what ends them");
	set("f", EFFECTIVE, KILL, 0);
	int fd = open("f", O_WRONLY);
	pwrite(fd, "\177", 1, 0);
	close(fd);
	show("f");
	set("f", EFFECTIVE, KILL, 0);
	chown("f", 1000, 1000);
	show("f");
	set("f", EFFECTIVE, KILL, 0);
	chmod("f", 0755);
	show("f");

	FACT("--- values");
	struct caps c = { 0x02000000, KILL };
	CALL("short", setxattr("f", "security.capability", &c, 12, 0));
	CALL("long", setxattr("f", "security.capability", &c, 24, 0));
	c.magic = 0x01000000;
	CALL("revision 1", setxattr("f", "security.capability", &c, 12, 0));
	c.magic = 0x04000000;
	CALL("revision 4", setxattr("f", "security.capability", &c, 24, 0));
	CALL("revision 3 for root", set3("f", EFFECTIVE, KILL, 0));
	show("f");
	CALL("revision 3 for 1000", set3("f", EFFECTIVE, KILL, 1000));
	show("f");
	as_user("f", "for another root");
	CHILD(pid)
	{
		user();
		CALL("by its owner", set("f", EFFECTIVE, KILL, 0));
		CALL("nonsense by its owner", setxattr("f", "security.capability", &c, 5, 0));
	}
	REAP(pid);
	CALL("remove", removexattr("f", "security.capability"));

	FACT("--- user namespaces");
	struct gate up = gate_new(), go = gate_new();
	CHILD(pid)
	{
		user();
		MUST(unshare(CLONE_NEWUSER));
		gate_open(up);
		gate_wait(go);
		FACT("ids %d %d", getuid(), getgid());
		show("f");
		run("f", "as root");
		pid_t p;
		CHILD(p)
		{
			MUST(setresuid(5, 5, 5));
			prctl(PR_SET_DUMPABLE, 1);
			run("f", "as a user");
		}
		REAP(p);
		copy("g", 0755);
		CALL("set revision 2", set("g", EFFECTIVE, KILL, 0));
		show("g");
		CHILD(p)
		{
			MUST(setresuid(5, 5, 5));
			run("g", "as a user");
		}
		REAP(p);
		CALL("revision 3 for a user", set3("g", EFFECTIVE, KILL, 5));
		show("g");
		CALL("revision 3 for nobody", set3("g", EFFECTIVE, KILL, 50));
		CALL("revision 2 again", set("g", EFFECTIVE, KILL, 0));
		show("root");
		CHILD(p)
		{
			MUST(setresuid(5, 5, 5));
			run("root", "a file of the outer root");
			run("suid", "set-user-ID of the outer root");
			run("other", "a file for another root");
		}
		REAP(p);
		show("other");
	}
	gate_wait(up);
	copy("root", 0755);
	set("root", EFFECTIVE, CHOWN, 0);
	copy("suid", 04755);
	copy("other", 0755);
	set3("other", EFFECTIVE, KILL, 7777);
	put(pid, "uid_map", "0 1000 10");
	put(pid, "gid_map", "0 1000 10");
	gate_open(go);
	REAP(pid);
	show("g");
	as_user("g", "outside");
}
