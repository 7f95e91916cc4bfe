// splice(2), tee(2), vmsplice(2): moving data through pipes.
#include "contract.h"

int main(void)
{
	put_file("in", "0123456789");
	int in = open("in", O_RDONLY), out = open("out", O_RDWR | O_CREAT, 0644), p[2], q[2];
	pipe(p);
	pipe(q);
	off_t o = 1;
	CALL("file to pipe", splice(in, &o, p[1], NULL, 6, 0));
	FACT("offset %ld", (long)o);
	CALL("tee", tee(p[0], q[1], 4, 0));
	CALL("pipe to file", splice(p[0], NULL, out, NULL, 100, 0));
	FACT("'%s'", get_file("out"));
	char b[16] = "";
	CALL("what tee copied", read(q[0], b, 16));
	FACT("'%s'", b);
	CALL("file to file", splice(in, NULL, out, NULL, 1, 0));
	CALL("offset for a pipe", splice(p[0], &o, out, NULL, 1, 0));
	CALL("tee onto itself", tee(p[0], p[1], 1, 0));
	CALL("empty, nonblocking", splice(p[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK));
	CALL("zero bytes", splice(p[0], NULL, out, NULL, 0, 0));
	struct iovec v = { "user", 4 };
	CALL("vmsplice", vmsplice(p[1], &v, 1, 0));
	CALL("pipe to pipe", splice(p[0], NULL, q[1], NULL, 3, 0));
	CALL("moved", read(q[0], b, 16));
	close(p[1]);
	CALL("the rest", read(p[0], b, 16));
	CALL("end of file", splice(p[0], NULL, out, NULL, 1, 0));
}
