// read(2), write(2): errors and zero sizes.
#include "contract.h"

int main(void)
{
	char b[16];
	put_file("f", "0123456789");
	int r = open("f", O_RDONLY), w = open("f", O_WRONLY), d = open(".", O_RDONLY), o = open("f", O_PATH);
	CALL("read of nothing", read(99, b, 1));
	CALL("read of write-only", read(w, b, 1));
	CALL("write of read-only", write(r, b, 1));
	CALL("read of a directory", read(d, b, 1));
	CALL("read of O_PATH", read(o, b, 1));
	CALL("read into a bad address", read(r, BAD_POINTER, 4));
	CALL("the offset did not move", lseek(r, 0, SEEK_CUR));
	CALL("write from a bad address", write(w, BAD_POINTER, 4));
	CALL("read of 0 bytes", read(r, b, 0));
	CALL("read of 0 bytes, bad address", read(r, BAD_POINTER, 0));
	CALL("read of 0 bytes of write-only", read(w, b, 0));
	CALL("short read at the end", read(r, b, 16));
	CALL("end of file", read(r, b, 16));
	CALL("huge count", read(r, b, (size_t)-1));
	char *two = pages(2, PROT_READ | PROT_WRITE);
	mprotect(two + page(), page(), PROT_NONE);
	lseek(r, 0, SEEK_SET);
	CALL("read across the end of writable memory", read(r, two + page() - 4, 10));
	CALL("write of 0 bytes", write(w, b, 0));
	CALL("/dev/null read", read(open("/dev/null", O_RDWR), b, 4));
	CALL("/dev/zero read", read(open("/dev/zero", O_RDWR), b, 4));
	CALL("/dev/full write", write(open("/dev/full", O_RDWR), b, 4));
}
