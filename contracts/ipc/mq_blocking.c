// mq_send(3), mq_receive(3): waiting for a message and for room, deadlines, signals, threads by priority of messages.
#include "contract.h"
#include <mqueue.h>

static struct gate handled;
static void open_gate(int sig) { gate_open(handled); }

int main(void)
{
	handled = gate_new();
	struct mq_attr want = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	char b[8];
	int q = MUST(mq_open("/blocking", O_RDWR | O_CREAT, 0600, &want));
	pid_t pid = LATER(mq_receive(q, b, sizeof b, NULL));
	CALL("send", mq_send(q, "12345", 5, 0));
	CAME("receiver", pid);
	mq_send(q, "x", 1, 0);
	pid = LATER(mq_send(q, "yz", 2, 0));
	mq_receive(q, b, sizeof b, NULL);
	CAME("sender", pid);
	CALL("what it sent", mq_receive(q, b, sizeof b, NULL));
	struct timespec past = { 1, 0 }, bad = { 1, -1 }, soon;
	CALL("a deadline in the past", mq_timedreceive(q, b, sizeof b, NULL, &past));
	CALL("a bad deadline", mq_timedreceive(q, b, sizeof b, NULL, &bad));
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 20000000;
	if (soon.tv_nsec >= 1000000000)
		soon.tv_sec++, soon.tv_nsec -= 1000000000;
	long long start = now_ms();
	CALL("a deadline soon", mq_timedreceive(q, b, sizeof b, NULL, &soon));
	IS("waited", now_ms() - start >= 19);
	mq_send(q, "x", 1, 0);
	CALL("full, deadline past", mq_timedsend(q, "x", 1, 0, &past));
	CALL("not full, deadline past", mq_timedreceive(q, b, sizeof b, NULL, &past));
	CHILD(pid)
	{
		on_signal(SIGUSR1, open_gate, 0);
		CALL("a signal", mq_receive(q, b, sizeof b, NULL));
		on_signal(SIGUSR1, open_gate, SA_RESTART);
		CALL("a signal, SA_RESTART", mq_receive(q, b, sizeof b, NULL));
	}
	asleep(pid);
	kill(pid, SIGUSR1);
	gate_wait(handled);
	asleep(pid);
	kill(pid, SIGUSR1);
	gate_wait(handled);
	asleep(pid);
	mq_send(q, "end", 3, 0);
	ENDED("child", pid);
	mq_unlink("/blocking");
}
