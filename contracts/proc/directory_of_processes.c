// proc(5): /proc lists processes by number; their directories appear and go; owners; names that are no process.
#include "contract.h"

static bool listed(pid_t pid)
{
	char name[16];
	snprintf(name, sizeof name, "%d", pid);
	DIR *d = opendir("/proc");
	bool yes = false;
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		yes |= strcmp(e->d_name, name) == 0 && e->d_type == DT_DIR;
	closedir(d);
	return yes;
}

int main(void)
{
	char path[64];
	struct stat st;
	pid_t pid;
	CHILD(pid)
	{
		setgid(1000);
		setuid(1000);
		pause();
	}
	asleep(pid);
	IS("init is listed", listed(1));
	IS("we are", listed(getpid()));
	IS("the child is", listed(pid));
	snprintf(path, sizeof path, "/proc/%d", pid);
	stat(path, &st);
	FACT("mode %o, owner after setuid %d %d", st.st_mode, st.st_uid, st.st_gid);
	int dir = open(path, O_RDONLY | O_DIRECTORY);
	stat("/proc/self/", &st);
	FACT("ours: owner %d", st.st_uid);
	kill(pid, SIGKILL);
	EVENTUALLY(({ snprintf(path, sizeof path, "/proc/%d/stat", pid); strstr(get_file(path), ") Z"); }));
	IS("a zombie is listed", listed(pid));
	char link[64];
	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	CALL("a zombie's exe", readlink(path, link, sizeof link));
	snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
	FACT("cmdline '%s'", get_file(path));
	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	CALL("fd", open(path, O_RDONLY) >= 0);
	REAP(pid);
	IS("reaped, it is not", listed(pid));
	CALL("its directory opened before", openat(dir, "stat", O_RDONLY));
	CALL("leading zero", stat("/proc/01", &st));
	CALL("no number", stat("/proc/1x", &st));
	CALL("minus", stat("/proc/-1", &st));
	CALL("mkdir", mkdir("/proc/new", 0755));
	CALL("unlink", unlink("/proc/version"));
	CALL("rmdir", rmdir("/proc/self/task"));
	CALL("rename", rename("/proc/version", "/proc/x"));
	stat("/proc", &st);
	FACT("/proc: mode %o inode %d", st.st_mode, (int)st.st_ino);
	struct statfs f;
	statfs("/proc", &f);
	FACT("type %#lx blocks %d", (long)f.f_type, (int)f.f_blocks);
}
