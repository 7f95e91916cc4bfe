// x86-64's older calls do what their modern twins do: open, creat, utime, futimesat, inotify_init, signalfd, eventfd, getdents, ...
// arch: amd64
#include "contract.h"

int main(void)
{
	struct stat st;
	char b[512];
	int fd = CALL("creat", syscall(SYS_creat, "f", 0640));
	write(fd, "text", 4);
	CALL("creat truncates", syscall(SYS_creat, "f", 0600));
	CALL("open", syscall(SYS_open, "f", O_RDWR));
	CALL("stat", syscall(SYS_stat, "f", &st));
	FACT("mode %o size %d", st.st_mode, (int)st.st_size);
	CALL("lstat", syscall(SYS_lstat, "f", &st));
	CALL("access", syscall(SYS_access, "f", R_OK));
	long utimbuf[2] = { 1000, 2000 };
	CALL("utime", syscall(SYS_utime, "f", utimbuf));
	syscall(SYS_stat, "f", &st);
	FACT("times %ld %ld", (long)st.st_atime, (long)st.st_mtime);
	struct timeval tv[2] = { { 3000, 1 }, { 4000, 999999 } };
	CALL("utimes", syscall(SYS_utimes, "f", tv));
	CALL("futimesat", syscall(SYS_futimesat, AT_FDCWD, "f", tv));
	syscall(SYS_stat, "f", &st);
	FACT("times %ld.%ld %ld.%ld", (long)st.st_atime, st.st_atim.tv_nsec, (long)st.st_mtime, st.st_mtim.tv_nsec);
	tv[0].tv_usec = 1000000;
	CALL("microseconds out of range", syscall(SYS_futimesat, AT_FDCWD, "f", tv));
	CALL("mkdir", syscall(SYS_mkdir, "d", 0755));
	CALL("link", syscall(SYS_link, "f", "d/f"));
	CALL("symlink", syscall(SYS_symlink, "f", "s"));
	CALL("readlink", syscall(SYS_readlink, "s", b, 8));
	CALL("rename", syscall(SYS_rename, "s", "t"));
	CALL("chmod", syscall(SYS_chmod, "f", 0444));
	CALL("chown", syscall(SYS_chown, "f", 1, 1));
	CALL("lchown", syscall(SYS_lchown, "t", 1, 1));
	CALL("mknod", syscall(SYS_mknod, "p", S_IFIFO | 0644, 0));
	CALL("unlink", syscall(SYS_unlink, "p"));
	int dir = open("d", O_RDONLY);
	CALL("getdents", syscall(SYS_getdents, dir, b, sizeof b));
	FACT("record of %d bytes, type at its end %d", *(unsigned short *)(b + 16), b[*(unsigned short *)(b + 16) - 1]);
	int p[2];
	CALL("pipe", syscall(SYS_pipe, p));
	CALL("dup2", syscall(SYS_dup2, p[0], 20));
	struct pollfd q = { p[1], POLLOUT, 0 };
	CALL("poll", syscall(SYS_poll, &q, 1, 0));
	fd_set w;
	FD_ZERO(&w);
	FD_SET(p[1], &w);
	struct timeval t = { 1, 0 };
	CALL("select", syscall(SYS_select, p[1] + 1, NULL, &w, NULL, &t));
	CALL("inotify_init", syscall(SYS_inotify_init) >= 0);
	CALL("epoll_create", syscall(SYS_epoll_create, 1) >= 0);
	CALL("epoll_create 0", syscall(SYS_epoll_create, 0));
	CALL("eventfd", syscall(SYS_eventfd, 3) >= 0);
	sigset_t s = set_of(SIGUSR1);
	CALL("signalfd", syscall(SYS_signalfd, -1, &s, 8) >= 0);
	CALL("getpgrp", syscall(SYS_getpgrp) == getpgid(0));
	CALL("time", ({ long now = syscall(SYS_time, NULL); now - time(NULL) >= -1 && now - time(NULL) <= 0; }));
	CALL("alarm", syscall(SYS_alarm, 100));
	CALL("alarm again", syscall(SYS_alarm, 0));
	struct rlimit limit = { 1, 2 };
	CALL("setrlimit", syscall(SYS_setrlimit, RLIMIT_CORE, &limit));
	CALL("getrlimit", syscall(SYS_getrlimit, RLIMIT_CORE, &limit));
	FACT("limits %ld %ld", (long)limit.rlim_cur, (long)limit.rlim_max);
	CALL("rmdir", syscall(SYS_rmdir, "d"));
	pid_t pid = syscall(SYS_fork);
	if (pid == 0)
		_exit(5);
	ENDED("fork", pid);
	CALL("pause", ({ note_signal(SIGALRM, 0); alarms_every_ms(3); syscall(SYS_pause); }));
	alarms_every_ms(0);
	FACT("ids %ld %ld", syscall(SYS_getegid), syscall(SYS_getgid));
}
