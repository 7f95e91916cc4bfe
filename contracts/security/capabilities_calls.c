// capabilities(7): which capability each privileged call asks for: root with one taken away, a user with one given.
#include "contract.h"
#include <linux/capability.h>
#include <sys/reboot.h>

static long change_root(void) { return chroot("."); }
static long change_owner(void) { return chown("file", 7, 7); }
static long other_file(void) { return open("secret", O_RDONLY); }
static long search(void) { return open("closed/x", O_RDONLY); }
static long mode(void) { return chmod("others", 0600); }
static long node(void) { return mknod("node", S_IFCHR | 0600, 0x103); }
static long host(void) { return sethostname("contracts", 9); }
static long mounting(void) { return mount("none", "dir", "tmpfs", 0, NULL); }
static long nicer(void) { return setpriority(PRIO_PROCESS, 0, -5); }
static long fifo(void) { return syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &(int){ 1 }); }
static long hard_limit(void) { return setrlimit(RLIMIT_CORE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }); }
static long kill_init(void) { return kill(1, 0); }
static long set_time(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return clock_settime(CLOCK_REALTIME, &t);
}
static long uid(void) { return setuid(5); }
static long gid(void) { return setgid(5); }

static const struct { const char *name; long (*call)(void); int cap; } calls[] = {
	{ "chroot", change_root, CAP_SYS_CHROOT }, { "chown", change_owner, CAP_CHOWN }, { "open another's", other_file, CAP_DAC_OVERRIDE },
	{ "search another's directory", search, CAP_DAC_READ_SEARCH }, { "chmod another's", mode, CAP_FOWNER },
	{ "mknod", node, CAP_MKNOD }, { "sethostname", host, CAP_SYS_ADMIN }, { "mount", mounting, CAP_SYS_ADMIN },
	{ "nice -5", nicer, CAP_SYS_NICE }, { "SCHED_FIFO", fifo, CAP_SYS_NICE }, { "raise a hard limit", hard_limit, CAP_SYS_RESOURCE },
	{ "kill another's", kill_init, CAP_KILL }, { "clock_settime", set_time, CAP_SYS_TIME }, { "setuid", uid, CAP_SETUID },
	{ "setgid", gid, CAP_SETGID },
};

int main(void)
{
	mkdir("dir", 0755);
	mkdir("closed", 0700);
	put_file("closed/x", "");
	put_file("file", "");
	put_file("secret", "");
	put_file("others", "");
	chmod("secret", 0);
	chown("file", 1000, 1000);
	chmod(".", 0777);
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { 0 };
	for (int i = 0; i < COUNT_OF(calls); i++)
		for (int with = 0; with < 2; with++) {
			pid_t pid;
			CHILD(pid)
			{
				setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
				prctl(PR_SET_KEEPCAPS, 1);
				setresgid(1000, 1000, 1000);
				setresuid(1000, 1000, 1000);
				d[0].effective = d[0].permitted = with ? 1 << calls[i].cap : 0;
				MUST(syscall(SYS_capset, &h, d));
				errno = 0;
				long r = calls[i].call();
				FACT("%s %s: %s", calls[i].name, with ? "with" : "without", r == -1 ? errno_name(errno) : "ok");
				umount("dir");
			}
			REAP(pid);
		}
	umount("dir");
}
