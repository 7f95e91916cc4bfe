// sendfile(2), copy_file_range(2): offsets, sizes, which descriptors.
#include "contract.h"

int main(void)
{
	put_file("in", "0123456789");
	int in = open("in", O_RDONLY), out = open("out", O_RDWR | O_CREAT, 0644), p[2];
	off_t o = 2;
	CALL("sendfile to a file", sendfile(out, in, &o, 5));
	FACT("offset %ld, own offset %ld", (long)o, (long)lseek(in, 0, SEEK_CUR));
	CALL("by its own offset, beyond the end", sendfile(out, in, NULL, 100));
	CALL("own offset", lseek(in, 0, SEEK_CUR));
	CALL("at the end", sendfile(out, in, NULL, 100));
	FACT("'%s'", get_file("out"));
	pipe(p);
	o = 0;
	CALL("to a pipe", sendfile(p[1], in, &o, 4));
	CALL("from a pipe", sendfile(out, p[0], NULL, 4));
	CALL("to a read-only descriptor", sendfile(in, in, &o, 4));
	o = -1;
	CALL("negative offset", sendfile(out, in, &o, 4));
	int a = open("out", O_WRONLY | O_APPEND);
	o = 0;
	CALL("to O_APPEND", sendfile(a, in, &o, 1));
	int dst = open("copy", O_RDWR | O_CREAT, 0644);
	off_t from = 3, to = 1;
	CALL("copy_file_range", copy_file_range(in, &from, dst, &to, 4, 0));
	FACT("%ld %ld", (long)from, (long)to);
	CALL("bad flags", copy_file_range(in, &from, dst, &to, 4, 1));
	CALL("to O_APPEND", copy_file_range(in, &from, a, NULL, 4, 0));
	CALL("pipe", copy_file_range(p[0], NULL, dst, NULL, 4, 0));
	from = 0, to = 2;
	CALL("overlapping in one file", copy_file_range(dst, &from, dst, &to, 4, 0));
}
