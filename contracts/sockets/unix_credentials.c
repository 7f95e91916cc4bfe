// unix(7): SO_PASSCRED, SCM_CREDENTIALS, SO_PEERCRED: who sent it, what may be claimed.
#include "contract.h"

static long claim(int s, struct ucred u)
{
	char c = 'c', buf[CMSG_SPACE(sizeof u)] = "";
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = sizeof buf };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_CREDENTIALS;
	h->cmsg_len = CMSG_LEN(sizeof u);
	memcpy(CMSG_DATA(h), &u, sizeof u);
	return sendmsg(s, &m, 0);
}
static struct ucred taken(const char *name, int s)
{
	struct ucred u = { -2, -2, -2 };
	char c, buf[64] = "";
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = sizeof buf };
	recvmsg(s, &m, 0);
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	if (h != NULL && h->cmsg_type == SCM_CREDENTIALS)
		memcpy(&u, CMSG_DATA(h), sizeof u);
	FACT("%s: control %d, uid %d gid %d", name, (int)m.msg_controllen, (int)u.uid, (int)u.gid);
	return u;
}

int main(void)
{
	int s[2], on = 1;
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	send(s[0], "x", 1, 0);
	taken("without SO_PASSCRED", s[1]);
	setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	send(s[0], "x", 1, 0);
	IS("with it, the sender's", taken("plain send", s[1]).pid == getpid());
	struct ucred u = { getpid(), getuid(), getgid() };
	CALL("the truth", claim(s[0], u));
	taken("explicit", s[1]);
	u.uid = 33;
	CALL("root may claim another user", claim(s[0], u));
	taken("claimed", s[1]);
	u.pid = 99999;
	CALL("a process that is none", claim(s[0], u));
	pid_t pid, parent = getpid();
	CHILD(pid)
	{
		MUST(setresgid(1000, 1000, 1000));
		MUST(setresuid(1000, 1000, 1000));
		CALL("a user claims root", claim(s[0], (struct ucred){ getpid(), 0, 1000 }));
		CALL("another's pid", claim(s[0], (struct ucred){ parent, 1000, 1000 }));
		CALL("the truth", claim(s[0], (struct ucred){ getpid(), 1000, 1000 }));
	}
	REAP(pid);
	IS("it is the child", taken("from the child", s[1]).pid == pid);
	socklen_t n = sizeof u;
	getsockopt(s[1], SOL_SOCKET, SO_PEERCRED, &u, &n);
	FACT("SO_PEERCRED stays: own pid %d uid %d", u.pid == getpid(), u.uid);
	n = 4;
	CALL("room for less", getsockopt(s[1], SOL_SOCKET, SO_PEERCRED, &u, &n));
	FACT("length %d", (int)n);
	CALL("SO_PEERCRED cannot be set", setsockopt(s[1], SOL_SOCKET, SO_PEERCRED, &u, sizeof u));
}
