// unix(7): SCM_RIGHTS in flight: kept by a datagram, dropped with the socket, a socket sent over itself, O_PATH, many.
#include "contract.h"

static long pass(int s, const int *fds, int n)
{
	static char buf[CMSG_SPACE(300 * sizeof(int))];
	char c = 'c';
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(h), fds, n * sizeof(int));
	return syscall(SYS_sendmsg, s, &m, 0); // musl's has no room for so many
}
static int take(int s, int flags)
{
	char c, buf[CMSG_SPACE(sizeof(int))] = "";
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = sizeof buf };
	if (recvmsg(s, &m, flags) < 0 || CMSG_FIRSTHDR(&m) == NULL)
		return -1;
	int fd;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
	return fd;
}

int main(void)
{
	int s[2], p[2], d[2], many[254];
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, d);
	pipe2(p, O_NONBLOCK);
	char c;
	CALL("in a datagram", pass(d[0], &p[1], 1));
	close(p[1]);
	CALL("the pipe has a writer", read(p[0], &c, 1));
	close(d[1]);
	CALL("gone with the socket", read(p[0], &c, 1));
	CALL("a socket over itself", pass(s[0], &s[1], 1));
	int own = take(s[1], 0);
	send(s[0], "!", 1, 0);
	CALL("it is the same socket", read(own, &c, 1));
	int dir = MUST(open(".", O_PATH | O_DIRECTORY));
	CALL("an O_PATH descriptor", pass(s[0], &dir, 1));
	int got_dir = take(s[1], MSG_CMSG_CLOEXEC);
	FACT("flags %#o close-on-exec %d", fcntl(got_dir, F_GETFL) & O_PATH, fcntl(got_dir, F_GETFD));
	for (int i = 0; i < 254; i++)
		many[i] = dir;
	CALL("253", pass(s[0], many, 253));
	FACT("room for one: %d", take(s[1], 0) >= 0);
	CALL("254", pass(s[0], many, 254));
	pass(s[0], &dir, 1);
	int peeked = take(s[1], MSG_PEEK), taken = take(s[1], 0);
	IS("peeking makes a descriptor, taking another", peeked >= 0 && taken >= 0 && peeked != taken);
	pass(s[0], &dir, 1);
	CALL("read drops descriptors", read(s[1], &c, 1));
	pass(s[0], &dir, 1);
	struct rlimit r = { 20, 20 };
	setrlimit(RLIMIT_NOFILE, &r);
	while (dup(0) >= 0)
		;
	FACT("no number left: %d", take(s[1], 0));
	CALL("the byte was taken", recv(s[1], &c, 1, MSG_DONTWAIT));
}
