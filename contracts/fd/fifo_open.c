// fifo(7), open(2): opening waits for the other end; O_NONBLOCK; O_RDWR.
#include "contract.h"

int main(void)
{
	CALL("mkfifo", mkfifo("p", 0644));
	CALL("again", mkfifo("p", 0644));
	CALL("write-only, nobody reads, O_NONBLOCK", open("p", O_WRONLY | O_NONBLOCK));
	int r = CALL("read-only, O_NONBLOCK", open("p", O_RDONLY | O_NONBLOCK));
	char c;
	CALL("read without a writer", read(r, &c, 1));
	int w = CALL("write-only now", open("p", O_WRONLY | O_NONBLOCK));
	CALL("read with a silent writer", read(r, &c, 1));
	CALL("write", write(w, "x", 1));
	CALL("read", read(r, &c, 1));
	close(w);
	CALL("read after the writer left", read(r, &c, 1));
	close(r);
	int b = CALL("O_RDWR does not wait", open("p", O_RDWR));
	close(b);
	pid_t parent = getpid(), pid;
	CHILD(pid)
	{
		asleep(parent);
		int f = open("p", O_WRONLY);
		write(f, "y", 1);
	}
	r = CALL("read-only waits for a writer", open("p", O_RDONLY));
	CALL("read", read(r, &c, 1));
	REAP(pid);
	struct stat s;
	stat("p", &s);
	FACT("fifo %d size %ld", S_ISFIFO(s.st_mode), (long)s.st_size);
}
