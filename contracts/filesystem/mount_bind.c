// mount(2): bind mounts of directories and files, recursive ones, read-only ones, moves, what shows where.
#include "contract.h"

static const char *has(const char *path) { return access(path, F_OK) == 0 ? "there" : "not"; }

int main(void)
{
	mkdir("a", 0755);
	mkdir("a/sub", 0755);
	put_file("a/file", "A");
	mkdir("b", 0755);
	put_file("target", "T");
	CALL("bind", mount("a", "b", NULL, MS_BIND, NULL));
	FACT("seen: %s", get_file("b/file"));
	put_file("b/new", "");
	FACT("created through it: %s", has("a/new"));
	struct stat s, t;
	stat("a", &s);
	stat("b", &t);
	FACT("the same directory %d", s.st_ino == t.st_ino && s.st_dev == t.st_dev);
	CALL("rename across mounts of one filesystem", rename("a/file", "b/moved"));
	CALL("link across", link("a/file", "b/linked"));
	CALL("bind a file", mount("a/file", "target", NULL, MS_BIND, NULL));
	FACT("seen: %s", get_file("target"));
	CALL("unlink of a mount", unlink("target"));
	CALL("a file on a directory", mount("a/file", "b", NULL, MS_BIND, NULL));
	CALL("a directory on a file", mount("a", "target", NULL, MS_BIND, NULL));
	CALL("umount", umount("target"));
	FACT("again: %s", get_file("target"));
	CALL("read-only in one step is not", mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CALL("write through it", open("b/file", O_RDWR));
	CALL("write beside it", open("a/file", O_RDWR) >= 0);
	CALL("umount", umount("b"));
	MUST(mount("none", "a/sub", "tmpfs", 0, NULL));
	put_file("a/sub/inner", "");
	CALL("bind without MS_REC", mount("a", "b", NULL, MS_BIND, NULL));
	FACT("the inner mount: %s", has("b/sub/inner"));
	umount("b");
	CALL("with", mount("a", "b", NULL, MS_BIND | MS_REC, NULL));
	FACT("the inner mount: %s", has("b/sub/inner"));
	CALL("busy by the inner", umount("b"));
	CALL("inner first", umount("b/sub"));
	CALL("now", umount("b"));
	FACT("the original inner stays: %s", has("a/sub/inner"));
	mkdir("c", 0755);
	CALL("move", mount("a/sub", "c", NULL, MS_MOVE, NULL));
	FACT("here %s, there %s", has("c/inner"), has("a/sub/inner"));
	CALL("move of no mount", mount("a", "b", NULL, MS_MOVE, NULL));
	CALL("move into itself", ({ mkdir("c/deep", 0755); mount("c", "c/deep", NULL, MS_MOVE, NULL); }));
	CALL("stacked", mount("none", "c", "tmpfs", 0, NULL));
	FACT("the upper: %s", has("c/inner"));
	umount("c");
	FACT("the lower: %s", has("c/inner"));
	int fd = open("c", O_RDONLY);
	CALL("MS_UNBINDABLE", mount(NULL, "c", NULL, MS_UNBINDABLE, NULL));
	CALL("bind of it", mount("c", "b", NULL, MS_BIND, NULL));
	CALL("propagation with two types", mount(NULL, "c", NULL, MS_SHARED | MS_PRIVATE, NULL));
	CALL("propagation of no mount", mount(NULL, "a", NULL, MS_PRIVATE, NULL));
	CALL("bind of something missing", mount("missing", "b", NULL, MS_BIND, NULL));
	umount2("c", MNT_DETACH);
}
