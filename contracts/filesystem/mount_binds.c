// mount(2), umount2(2): bind, recursive bind, move, flags of one mount, what is busy, what is refused.
#include "contract.h"

int main(void)
{
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir("a", 0755), mkdir("b", 0755), mkdir("c", 0755), mkdir("a/sub", 0755);
	put_file("f", "file"), put_file("g", "other");
	CALL("unknown type", mount("x", "a", "nonsense", 0, NULL));
	CALL("no type", mount("x", "a", NULL, 0, NULL));
	CALL("missing target", mount("x", "missing", "tmpfs", 0, NULL));
	CALL("file as target", mount("x", "f", "tmpfs", 0, NULL));
	CALL("bad option", mount("x", "a", "tmpfs", 0, "nonsense=1"));
	CALL("bad data", mount("x", "a", "tmpfs", 0, BAD_POINTER));
	CALL("mount", mount("x", "a", "tmpfs", 0, "size=64k,mode=750"));
	struct stat s;
	stat("a", &s);
	FACT("mode %o", s.st_mode);
	put_file("a/in", "inside");
	mkdir("a/deep", 0755);
	CALL("mount in it", mount("y", "a/deep", "tmpfs", 0, NULL));
	put_file("a/deep/x", "x");
	CALL("bind", mount("a", "b", NULL, MS_BIND, NULL));
	FACT("in '%s' deep %d", get_file("b/in"), access("b/deep/x", F_OK) == 0);
	CALL("recursive bind", mount("a", "c", NULL, MS_BIND | MS_REC, NULL));
	FACT("deep %d", access("c/deep/x", F_OK) == 0);
	CALL("bind of a file", mount("g", "f", NULL, MS_BIND, NULL));
	FACT("f is '%s'", get_file("f"));
	CALL("bind of a file on a directory", mount("g", "a", NULL, MS_BIND, NULL));
	CALL("bind of nothing", mount("", "b", NULL, MS_BIND, NULL));
	CALL("rename of what is mounted on", rename("f", "h"));
	CALL("unlink of it", unlink("f"));
	CALL("rmdir of a mount point", rmdir("b"));
	CALL("rename out of a bind", rename("a/in", "b/in2"));
	CALL("link between mounts", link("a/in", "b/in2"));
	CALL("read-only bind", mount(NULL, "b", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
	CALL("write there", open("b/new", O_CREAT | O_WRONLY, 0644));
	CALL("write of an existing file there", open("b/in", O_WRONLY));
	CALL("chmod there", chmod("b/in", 0600));
	CALL("mkdir of an existing name there", mkdir("b/deep", 0755));
	CALL("access there", access("b/in", W_OK));
	CALL("write by the other way", open("a/in", O_WRONLY) >= 0);
	CALL("move into itself", mount("a", "a/deep", NULL, MS_MOVE, NULL));
	CALL("move of no mount", mount("a/sub", "b", NULL, MS_MOVE, NULL));
	mkdir("d", 0755);
	CALL("move", mount("c", "d", NULL, MS_MOVE, NULL));
	FACT("there %d here %d", access("d/deep/x", F_OK) == 0, access("c/in", F_OK) == 0);
	CALL("remount of no mount", mount(NULL, "c", NULL, MS_REMOUNT, NULL));
	CALL("umount of no mount", umount("c"));
	CALL("umount with something on it", umount("d"));
	int fd = open("d/deep/x", O_RDONLY);
	CALL("umount of what is open", umount("d/deep"));
	CALL("lazy", umount2("d", MNT_DETACH));
	char c;
	FACT("still readable %zd gone %d", read(fd, &c, 1), access("d/in", F_OK) != 0);
	CALL("bad flag", umount2("b", 0x80));
	CALL("expire", umount2("b", MNT_EXPIRE));
	CALL("used", access("b/in", F_OK));
	CALL("expire, first again", umount2("b", MNT_EXPIRE));
	CALL("expire, twice", umount2("b", MNT_EXPIRE));
	CALL("expire with force", umount2("a", MNT_EXPIRE | MNT_FORCE));
	symlink("f", "l");
	CALL("UMOUNT_NOFOLLOW of a link", umount2("l", UMOUNT_NOFOLLOW));
	CALL("through the link", umount2("l", 0));
	FACT("f is '%s'", get_file("f"));
}
