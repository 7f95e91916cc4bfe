// utimensat(2), futimens, and utime, utimes and futimesat where there are such calls: precision, NOW, OMIT, errors.
#include "contract.h"

static void show(const char *name)
{
	struct stat s;
	stat("f", &s);
	FACT("%s: %lld.%09ld %lld.%09ld", name, (long long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}

int main(void)
{
	put_file("f", "");
	symlink("f", "l");
	struct timespec t[2] = { { 1, 123456789 }, { 2, 987654321 } };
	CALL("nanoseconds", utimensat(AT_FDCWD, "f", t, 0));
	show("f");
	t[0] = (struct timespec){ -5, 1 }, t[1] = (struct timespec){ 1ll << 33, 2 };
	CALL("before 1970, after 2038", utimensat(AT_FDCWD, "f", t, 0));
	show("f");
	t[0].tv_nsec = 1000000000;
	CALL("bad nanoseconds", utimensat(AT_FDCWD, "f", t, 0));
	CALL("bad nanoseconds, missing file", utimensat(AT_FDCWD, "missing", t, 0));
	t[0].tv_nsec = t[1].tv_nsec = UTIME_OMIT;
	CALL("nothing, missing file", utimensat(AT_FDCWD, "missing", t, 0));
	CALL("nothing, bad flags", utimensat(AT_FDCWD, "f", t, 0x4000));
	t[0] = (struct timespec){ 7, 7 };
	CALL("one", utimensat(AT_FDCWD, "f", t, 0));
	show("f");
	CALL("of the link itself", utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW));
	struct stat s;
	lstat("l", &s);
	FACT("link %lld", (long long)s.st_atim.tv_sec);
	int fd = open("f", O_RDONLY);
	CALL("of a descriptor", futimens(fd, t));
	CALL("raw, null path", syscall(SYS_utimensat, fd, NULL, t, 0));
	CALL("with a flag", syscall(SYS_utimensat, fd, NULL, t, AT_SYMLINK_NOFOLLOW));
	CALL("null path of the directory", syscall(SYS_utimensat, AT_FDCWD, NULL, t, 0));
	CALL("of O_PATH", syscall(SYS_utimensat, open("f", O_PATH), NULL, t, 0));
	CALL("O_PATH and an empty path", utimensat(open("f", O_PATH), "", t, AT_EMPTY_PATH));
	CALL("bad address", syscall(SYS_utimensat, AT_FDCWD, "f", BAD_POINTER, 0));
	struct timeval v[2] = { { 3, 4 }, { 5, 6 } };
	CALL("utimes", utimes("f", v));
	show("f");
	v[0].tv_usec = 1000000;
#ifdef SYS_utimes
	CALL("bad microseconds, missing file", syscall(SYS_utimes, "missing", v));
	CALL("utime", syscall(SYS_utime, "f", (long[2]){ 8, 9 }));
	show("f");
	v[0].tv_usec = 1;
	CALL("futimesat", syscall(SYS_futimesat, AT_FDCWD, "f", v));
	CALL("futimesat of a descriptor", syscall(SYS_futimesat, fd, NULL, v));
#else
	v[0].tv_usec = 1;
	FACT("bad microseconds, missing file: EINVAL");
	struct timespec u[2] = { { 8, 0 }, { 9, 0 } };
	CALL("utime", utimensat(AT_FDCWD, "f", u, 0));
	show("f");
	FACT("futimesat: 0");
	FACT("futimesat of a descriptor: 0");
	struct timespec w[2] = { { v[0].tv_sec, 1000 }, { 5, 6000 } };
	utimensat(AT_FDCWD, "f", w, 0);
#endif
	show("f");
}
