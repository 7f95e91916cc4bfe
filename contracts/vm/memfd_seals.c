// memfd_create(2), fcntl(2): size, names, seals.
#include "contract.h"

int main(void)
{
	size_t n = page();
	int fd = memfd_create("name", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	CALL("close-on-exec", fcntl(fd, F_GETFD));
	CALL("write", write(fd, "0123456789", 10));
	char link[64] = "", path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	readlink(path, link, 63);
	FACT("link '%s'", link);
	CALL("seals", fcntl(fd, 1034));
	char *m = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CALL("F_SEAL_WRITE with a writable mapping", fcntl(fd, 1033, 8));
	munmap(m, n);
	CALL("F_SEAL_SHRINK", fcntl(fd, 1033, 2));
	CALL("shrink", ftruncate(fd, 5));
	CALL("grow", ftruncate(fd, 20));
	CALL("F_SEAL_GROW", fcntl(fd, 1033, 4));
	CALL("grow", ftruncate(fd, 30));
	CALL("write beyond the end", pwrite(fd, "x", 1, 20));
	CALL("F_SEAL_WRITE", fcntl(fd, 1033, 8));
	CALL("write", pwrite(fd, "x", 1, 0));
	OK("writable mapping", (long)mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	OK("private mapping", (long)mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	CALL("F_SEAL_SEAL", fcntl(fd, 1033, 1));
	CALL("more", fcntl(fd, 1033, 2));
	CALL("seals", fcntl(fd, 1034));
	int plain = memfd_create("plain", 0);
	CALL("without MFD_ALLOW_SEALING", fcntl(plain, 1034));
	CALL("adding", fcntl(plain, 1033, 2));
	CALL("bad flags", memfd_create("x", 0x8000));
	struct stat s;
	fstat(plain, &s);
	FACT("mode %o links %d", s.st_mode, (int)s.st_nlink);
}
