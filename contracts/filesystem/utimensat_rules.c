// utimensat(2): UTIME_NOW, UTIME_OMIT, nanoseconds, links, errors.
#include "contract.h"

static void show(const char *name, const char *path)
{
	struct stat s;
	lstat(path, &s);
	FACT("%s: %ld.%09ld %ld.%09ld", name, (long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}

int main(void)
{
	put_file("f", "x");
	symlink("f", "l");
	struct timespec t[2] = { { 100, 123456789 }, { 200, 987654321 } };
	CALL("set", utimensat(AT_FDCWD, "f", t, 0));
	show("f", "f");
	t[0].tv_nsec = UTIME_OMIT;
	t[1] = (struct timespec){ 300, 0 };
	CALL("omit", utimensat(AT_FDCWD, "f", t, 0));
	show("f", "f");
	t[0] = (struct timespec){ 5, 0 };
	CALL("of the link", utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW));
	show("l", "l");
	show("f", "f");
	CALL("now", utimensat(AT_FDCWD, "f", NULL, 0));
	struct stat s;
	stat("f", &s);
	WITHIN("age", time(NULL) - s.st_mtime, -1, PATIENCE);
	t[0].tv_nsec = 1000000000;
	CALL("out of range", utimensat(AT_FDCWD, "f", t, 0));
	CALL("missing", utimensat(AT_FDCWD, "missing", NULL, 0));
	CALL("bad flag", utimensat(AT_FDCWD, "f", NULL, 0x8000));
	t[0].tv_nsec = t[1].tv_nsec = UTIME_OMIT;
	CALL("omit both of a missing file", utimensat(AT_FDCWD, "missing", t, 0));
}
