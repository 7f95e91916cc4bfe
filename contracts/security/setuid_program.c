// execve(2): set-user-ID and set-group-ID bits: ids, dumpable, AT_SECURE, no_new_privs, nosuid mounts, groups without x.
#include "contract.h"
#include <sys/auxv.h>

static void run(const char *name, const char *path)
{
	pid_t pid;
	CHILD(pid)
	{
		setgid(1000);
		setuid(1000);
		prctl(PR_SET_DUMPABLE, 1);
		if (strchr(name, '!'))
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		execl(path, path, name, NULL);
		FACT("%s: %s", name, errno_name(errno));
	}
	REAP(pid);
}
static void copy(const char *to, mode_t mode, uid_t u, gid_t g)
{
	int in = MUST(open("/proc/self/exe", O_RDONLY)), out = MUST(open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755));
	struct stat st;
	fstat(in, &st);
	while (sendfile(out, in, NULL, st.st_size) > 0)
		;
	close(out);
	chown(to, u, g);
	MUST(chmod(to, mode));
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		uid_t r, e, s;
		gid_t rg, eg, sg;
		getresuid(&r, &e, &s);
		getresgid(&rg, &eg, &sg);
		FACT("%s: uid %d %d %d gid %d %d %d secure %d dumpable %d", argv[1], r, e, s, rg, eg, sg, (int)getauxval(AT_SECURE),
		     prctl(PR_GET_DUMPABLE));
		if (e == 0) {
			CALL("drop", seteuid(1000));
			CALL("and back", seteuid(0));
		}
		return 0;
	}
	copy("plain", 0755, 0, 0);
	copy("suid", 04755, 0, 0);
	copy("other", 04755, 33, 0);
	copy("sgid", 02755, 0, 33);
	copy("nogx", 02745, 0, 33);
	copy("both", 06755, 33, 34);
	copy("own", 04755, 1000, 1000);
	run("plain", "./plain");
	run("set-user-ID root", "./suid");
	run("set-user-ID 33", "./other");
	run("set-group-ID 33", "./sgid");
	run("set-group-ID without group x", "./nogx");
	run("both", "./both");
	run("set-user-ID to itself", "./own");
	run("no_new_privs!", "./suid");
	mkdir("m", 0755);
	MUST(mount("none", "m", "tmpfs", MS_NOSUID, NULL));
	copy("m/suid", 04755, 0, 0);
	run("nosuid", "m/suid");
	MUST(mount(NULL, "m", NULL, MS_REMOUNT | MS_NOEXEC, NULL));
	run("noexec", "m/suid");
	put_file("script", "#!./suid\n");
	chmod("script", 04755);
	chown("script", 33, 33);
	run("a script's bits count for nothing, its interpreter's do", "./script");
	umount("m");
}
