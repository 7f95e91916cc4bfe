// close(2): a thread blocked in read of a pipe does not notice that another closes the descriptor.
#include "contract.h"

static int p[2];
static _Atomic pid_t tid;
static char c;
static void *reader(void *arg)
{
	tid = thread_id();
	return (void *)(long)read(p[0], &c, 1);
}

int main(void)
{
	pipe(p);
	pthread_t t = THREAD(reader, NULL);
	EVENTUALLY(tid != 0);
	asleep(tid);
	CALL("close under the reader", close(p[0]));
	asleep(tid);
	CALL("write", write(p[1], "z", 1));
	long n = (long)JOIN(t);
	FACT("the blocked read returned %ld '%c'", n, c);
	signal(SIGPIPE, SIG_IGN);
	CALL("afterwards nobody reads", write(p[1], "z", 1));
}
