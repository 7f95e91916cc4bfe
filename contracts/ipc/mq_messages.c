// mq_overview(7): opening, attributes, order by priority, sizes, names, errors.
#include "contract.h"
#include <mqueue.h>

int main(void)
{
	struct mq_attr want = { .mq_maxmsg = 4, .mq_msgsize = 16 }, a;
	char b[16];
	unsigned prio;
	CALL("no such queue", mq_open("/contract", O_RDWR));
	CALL("a slash inside", mq_open("/a/b", O_RDWR | O_CREAT, 0600, &want));
	int q = MUST(mq_open("/contract", O_RDWR | O_CREAT | O_EXCL, 0600, &want));
	CALL("exclusive", mq_open("/contract", O_RDWR | O_CREAT | O_EXCL, 0600, &want));
	FACT("close-on-exec %d", fcntl(q, F_GETFD));
	mq_getattr(q, &a);
	FACT("flags %ld max %ld size %ld now %ld", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
	CALL("priority 1", mq_send(q, "low", 4, 1));
	CALL("priority 9", mq_send(q, "high", 5, 9));
	CALL("priority 1 again", mq_send(q, "low 2", 6, 1));
	CALL("priority too high", mq_send(q, "", 1, 32768));
	CALL("too long", mq_send(q, "0123456789abcdefg", 17, 0));
	CALL("room too small", mq_receive(q, b, 15, NULL));
	for (int i = 0; i < 3; i++) {
		long n = mq_receive(q, b, sizeof b, &prio);
		FACT("%ld bytes '%s' priority %u", n, b, prio);
	}
	a.mq_flags = O_NONBLOCK;
	CALL("mq_setattr", mq_setattr(q, &a, NULL));
	CALL("empty", mq_receive(q, b, sizeof b, NULL));
	for (int i = 0; i < 4; i++)
		mq_send(q, "x", 1, 0);
	CALL("full", mq_send(q, "x", 1, 0));
	struct pollfd p = { q, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	FACT("poll of a full one %#x", p.revents);
	int r = mq_open("/contract", O_RDONLY);
	CALL("send on a reader", mq_send(r, "x", 1, 0));
	struct stat st;
	CALL("in /dev/mqueue", stat("/dev/mqueue/contract", &st));
	FACT("mode %o size %d", st.st_mode, (int)st.st_size);
	FACT("text %.12s", get_file("/dev/mqueue/contract"));
	CALL("unlink", mq_unlink("/contract"));
	CALL("unlink again", mq_unlink("/contract"));
	CALL("still open", mq_receive(q, b, sizeof b, NULL));
	want.mq_maxmsg = 0;
	CALL("a bad attribute", mq_open("/bad", O_RDWR | O_CREAT, 0600, &want));
	CALL("receive on another descriptor", mq_receive(1, b, 1, NULL));
}
