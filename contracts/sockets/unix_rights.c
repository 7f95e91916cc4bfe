// unix(7): SCM_RIGHTS passes descriptors: same description, truncation closes, in flight after close; SCM_CREDENTIALS.
#include "contract.h"

static long pass(int s, int *fds, int n)
{
	char c = 'c', buf[128] = "";
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(h), fds, n * sizeof(int));
	return sendmsg(s, &m, 0);
}
static int take(int s, int *fds, size_t room, int flags)
{
	char c, buf[128] = "";
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = room };
	long n = recvmsg(s, &m, flags);
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int count = h ? (h->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
	if (h)
		memcpy(fds, CMSG_DATA(h), count * sizeof(int));
	FACT("received %ld, descriptors %d, truncated %d", n, count, !!(m.msg_flags & MSG_CTRUNC));
	return count;
}

int main(void)
{
	int s[2], fds[4] = { -1, -1, -1, -1 };
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	int f = open("f", O_RDWR | O_CREAT, 0644);
	write(f, "12345", 5);
	CALL("send", pass(s[0], (int[]){ f, 1 }, 2));
	close(f);
	take(s[1], fds, 128, MSG_CMSG_CLOEXEC);
	CALL("offset of the passed", lseek(fds[0], 0, SEEK_CUR));
	CALL("close-on-exec", fcntl(fds[0], F_GETFD));
	CALL("a bad descriptor", pass(s[0], (int[]){ 99 }, 1));
	pass(s[0], (int[]){ fds[0], fds[1] }, 2);
	take(s[1], fds + 2, CMSG_SPACE(sizeof(int)) - 4, 0);
	int p[2];
	pipe(p);
	pass(s[0], (int[]){ p[1] }, 1);
	close(p[1]);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	char c;
	CALL("in flight the write end is open", read(p[0], &c, 1));
	CALL("reading without room for control data", read(s[1], &c, 1));
	CALL("and it is closed", read(p[0], &c, 1));
}
