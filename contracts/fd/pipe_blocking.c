// pipe(7): a reader sleeps until data or the last writer's close, a writer until room.
#include "contract.h"

int main(void)
{
	int p[2];
	pipe(p);
	pid_t parent = getpid(), pid;
	char b[8];
	CHILD(pid)
	{
		close(p[0]);
		asleep(parent);
		write(p[1], "late", 4);
	}
	close(p[1]);
	CALL("read waits for data", read(p[0], b, 8));
	CALL("read waits for the last close", read(p[0], b, 8));
	REAP(pid);
	pipe(p);
	fcntl(p[1], F_SETPIPE_SZ, 4096);
	char *big = calloc(1, 20000);
	CHILD(pid)
	{
		close(p[1]);
		asleep(parent);
		long total = 0, n;
		while ((n = read(p[0], big, 1000)) > 0)
			total += n;
		FACT("reader got %ld", total);
	}
	close(p[0]);
	CALL("write waits for room", write(p[1], big, 20000));
	close(p[1]);
	REAP(pid);
}
