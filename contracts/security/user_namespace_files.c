// user_namespaces(7): ids of files, sockets, signals and processes across a map; set-id programs; ACLs; overflow ids.
#include "contract.h"
#include "acl.h"
#include <sys/fsuid.h>

static void put(pid_t pid, const char *file, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	int fd = MUST(open(path, O_WRONLY));
	MUST(write(fd, text, strlen(text)));
	close(fd);
}
static void owner(const char *name)
{
	struct stat st;
	uint32_t x[64]; // struct statx: stx_uid and stx_gid are words 5 and 6
	MUST(stat(name, &st));
	MUST(syscall(SYS_statx, AT_FDCWD, name, 0, 0x7ff, x));
	if (x[5] != st.st_uid || x[6] != st.st_gid)
		FACT("statx says %d %d", x[5], x[6]);
	FACT("%s: %d %d %04o", name, st.st_uid, st.st_gid, st.st_mode & 07777);
}
static void status(pid_t pid)
{
	char path[64], *s;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	s = get_file(path);
	FACT("Uid %s, Gid %s, Groups %s", line_of(s, "Uid:"), line_of(s, "Gid:"), line_of(s, "Groups:"));
}
static void credentials(int s)
{
	char data[8], control[64];
	struct iovec v = { data, sizeof data };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	MUST(recvmsg(s, &m, 0));
	struct ucred *u = (struct ucred *)CMSG_DATA(CMSG_FIRSTHDR(&m));
	FACT("credentials %d %d", u->uid, u->gid);
}
static int claim(int s, uid_t uid, gid_t gid)
{
	char control[CMSG_SPACE(sizeof(struct ucred))] = { 0 };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(struct ucred)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS };
	*(struct ucred *)CMSG_DATA(CMSG_FIRSTHDR(&m)) = (struct ucred){ getpid(), uid, gid };
	return sendmsg(s, &m, 0);
}

int main(void)
{
	umask(0);
	const char *names[] = { "root", "mapped", "other", "group" };
	int ids[][2] = { { 0, 0 }, { 1005, 1005 }, { 3000, 3000 }, { 1005, 3000 } };
	for (int i = 0; i < 4; i++) {
		put_file(names[i], "");
		chown(names[i], ids[i][0], ids[i][1]);
		chmod(names[i], 0640);
	}
	mkdir("dir", 0777);
	mkdir("sticky", 01777);
	put_file("sticky/mapped", "");
	chown("sticky/mapped", 1005, 1005);
	put_file("sticky/other", "");
	chown("sticky/other", 3000, 3000);
	put_file("acl", "");
	chown("acl", 1000, 1000);
	MUST(acl_set("acl", ACCESS_LIST, "u::rw-,u:1005:r--,u:3000:r--,g::r--,m::r--,o::---"));

	struct gate up = gate_new(), go = gate_new(), end = gate_new();
	int s[2], one = 1;
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
	setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
	pid_t pid;
	CHILD(pid)
	{
		gid_t groups[] = { 1005, 3000, 1000 };
		MUST(syscall(SYS_setgroups, 3, groups));
		MUST(unshare(CLONE_NEWUSER));
		gate_open(up);
		gate_wait(go);
		MUST(setresgid(0, 0, 0));
		MUST(setresuid(0, 0, 0));
		gid_t now[4];
		int n = getgroups(4, now);
		FACT("groups %d: %d %d %d", n, now[0], now[1], now[2]);
		CALL("setgroups", syscall(SYS_setgroups, 1, &(gid_t){ 5 }));
		CALL("setgroups, unmapped", syscall(SYS_setgroups, 1, &(gid_t){ 50 }));
		status(getpid());
		status(getppid());
		for (int i = 0; i < 4; i++) {
			owner(names[i]);
			OK("  open", open(names[i], O_RDWR));
			CALL("  chmod", chmod(names[i], 06755));
			CALL("  chown", chown(names[i], 1, 1));
			CALL("  to nobody", chown(names[i], 11, -1));
			owner(names[i]);
		}
		put_file("dir/new", "");
		owner("dir/new");
		CALL("mkdir", mkdir("dir/d", 0755));
		CALL("fchownat", fchownat(AT_FDCWD, "dir/d", 9, 9, 0));
		owner("dir/d");
		CALL("unlink a mapped user's in a sticky directory", unlink("sticky/mapped"));
		CALL("unlink another's", unlink("sticky/other"));
		CALL("setuid", setuid(10));
		CALL("setreuid", setreuid(-1, 10));
		CALL("setresgid", setresgid(-1, 10, -1));
		CALL("setfsuid", setfsuid(10));
		CALL("setfsuid", setfsuid(-1));
		FACT("acl %s", acl_text("acl", ACCESS_LIST));
		CALL("set an acl", acl_set("acl", ACCESS_LIST, "u::rw-,u:6:rw-,g::r--,g:7:r--,m::rw-,o::---"));
		CALL("with an unmapped user", acl_set("acl", ACCESS_LIST, "u::rw-,u:60:rw-,g::r--,m::rw-,o::---"));
		FACT("acl %s", acl_text("acl", ACCESS_LIST));
		CALL("claim", claim(s[1], 3, 4));
		CALL("claim nobody", claim(s[1], 30, 4));
		send(s[1], "x", 1, 0);
		credentials(s[1]);
		credentials(s[1]);
		sigset_t set;
		siginfo_t info;
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		gate_open(up);
		sigwaitinfo(&set, &info);
		FACT("signal from %d", info.si_uid);
		for (int i = 0; i < 2; i++) {
			gate_open(up);
			sigwaitinfo(&set, &info);
			FACT("queued by %d: %d", info.si_uid, info.si_value.sival_int);
		}
		struct ucred u;
		socklen_t len = sizeof u;
		getsockopt(s[1], SOL_SOCKET, SO_PEERCRED, &u, &len);
		FACT("peer %d %d", u.uid, u.gid);
		MUST(setresuid(4, 4, 4));
		pid_t p;
		CHILD(p)
		{
			_exit(1);
		}
		waitid(P_PID, p, &info, WEXITED);
		FACT("child of %d", info.si_uid);
	}
	gate_wait(up);
	put(pid, "uid_map", "0 1000 10");
	put(pid, "gid_map", "0 1000 10");
	send(s[0], "x", 1, 0);
	claim(s[0], 1002, 1003);
	gate_open(go);
	gate_wait(up);
	credentials(s[0]);
	credentials(s[0]);
	status(pid);
	siginfo_t info;
	kill(pid, SIGUSR1);
	gate_wait(up);
	MUST(sigqueue(pid, SIGUSR1, (union sigval){ 7 }));
	gate_wait(up);
	info = (siginfo_t){ .si_signo = SIGUSR1, .si_code = SI_QUEUE, .si_pid = getpid(), .si_uid = 1004, .si_value.sival_int = 8 };
	MUST(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info));
	waitid(P_PID, pid, &info, WEXITED);
	FACT("ended: %d by %d", info.si_status, info.si_uid);
	for (int i = 0; i < 4; i++)
		owner(names[i]);
	owner("dir/new");
	owner("dir/d");
	FACT("acl %s", acl_text("acl", ACCESS_LIST));
}
