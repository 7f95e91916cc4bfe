// mknod(2), null(4), zero(4), full(4), random(4): devices by number, what each does, rights, ENXIO, nodev.
#include "contract.h"
#include <sys/sysmacros.h>

static void io(const char *name)
{
	char b[8] = "1234567", path[32];
	snprintf(path, sizeof path, "/dev/%s", name);
	int fd = open(path, O_RDWR);
	errno = 0;
	long r = read(fd, b, 8);
	const char *re = r < 0 ? errno_name(errno) : "ok";
	errno = 0;
	long w = write(fd, "abc", 3);
	const char *we = w < 0 ? errno_name(errno) : "ok";
	errno = 0;
	long s = lseek(fd, 100, SEEK_SET);
	struct stat st;
	fstat(fd, &st);
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	FACT("%s: read %ld %s, write %ld %s, lseek %ld, %u:%u mode %o, poll %#x", name, r, re, w, we, s, major(st.st_rdev), minor(st.st_rdev), st.st_mode, p.revents);
	close(fd);
}

int main(void)
{
	io("null");
	io("zero");
	io("full");
	io("random");
	io("urandom");
	umask(0);
	CALL("mknod null", mknod("n", S_IFCHR | 0666, makedev(1, 3)));
	CALL("it is one", ({ int fd = open("n", O_RDWR); write(fd, "gone", 4); }));
	CALL("mknod of no device", mknod("x", S_IFCHR | 0666, makedev(200, 7)));
	CALL("open", open("x", O_RDWR));
	CALL("a block device of none", ({ mknod("b", S_IFBLK | 0666, makedev(250, 0)); open("b", O_RDONLY); }));
	CALL("O_PATH all the same", open("x", O_PATH) >= 0);
	CALL("a file by mknod", mknod("f", S_IFREG | 0640, 0));
	CALL("mode 0 is a file", ({ struct stat st; mknod("g", 0600, 0); stat("g", &st); S_ISREG(st.st_mode); }));
	CALL("a directory by mknod", mknod("d", S_IFDIR | 0755, 0));
	CALL("a link by mknod", mknod("l", S_IFLNK | 0755, 0));
	CALL("a socket by mknod", mknod("s", S_IFSOCK | 0755, 0));
	CALL("existing", mknod("f", S_IFREG | 0640, 0));
	CALL("open of a socket", open("s", O_RDWR));
	CALL("O_CREAT of a device", open("n", O_CREAT | O_WRONLY, 0644) >= 0);
	CALL("O_TRUNC of a device", open("n", O_TRUNC | O_WRONLY) >= 0);
	CALL("ftruncate of a device", ftruncate(open("n", O_RDWR), 0));
	mkdir("m", 0777);
	MUST(mount("none", "m", "tmpfs", MS_NODEV, NULL));
	mknod("m/n", S_IFCHR | 0666, makedev(1, 3));
	CALL("nodev", open("m/n", O_RDWR));
	umount("m");
	pid_t pid;
	chmod(".", 0777);
	CHILD(pid)
	{
		setuid(1000);
		CALL("a user: mknod of a device", mknod("u", S_IFCHR | 0666, makedev(1, 3)));
		CALL("of a fifo", mknod("u", S_IFIFO | 0666, 0));
		CALL("of a device 0:0", mknod("w", S_IFCHR | 0666, 0));
	}
	REAP(pid);
	unsigned char r[32] = { 0 };
	CALL("getrandom", syscall(SYS_getrandom, r, 32, 0));
	CALL("bad flags", syscall(SYS_getrandom, r, 32, 64));
	CALL("bad pointer", syscall(SYS_getrandom, BAD_POINTER, 32, 0));
	CALL("large from /dev/zero", ({ char *big = malloc(1 << 20); read(open("/dev/zero", O_RDONLY), big, 1 << 20); }));
}
