// chmod(2), chown(2), fchownat(2): rights to change, set-id bits go on a change of owner or a write.
// run: root,user
#include "contract.h"

static void show(const char *name)
{
	struct stat s;
	stat("f", &s);
	FACT("%s: %o owner kept %d", name, s.st_mode & 07777, s.st_uid == getuid());
}

int main(void)
{
	put_file("f", "x");
	CALL("chmod", chmod("f", 06755));
	show("set-id");
	int fd = open("f", O_WRONLY);
	write(fd, "y", 1);
	show("after a write");
	chmod("f", 06755);
	CALL("chown to oneself", chown("f", getuid(), getgid()));
	show("after chown");
	CALL("chown to another", chown("f", 4321, -1));
	show("after chown");
	CALL("chown of nothing changed", chown("f", -1, -1));
	CALL("/ mode", chmod("/", 0755));
	CALL("missing", chmod("missing", 0));
	CALL("fchmod of O_PATH", fchmod(open("f", O_PATH), 0600));
	symlink("f", "l");
	CALL("lchown", lchown("l", getuid(), getgid()));
	CALL("fchownat with a bad flag", fchownat(AT_FDCWD, "f", -1, -1, 0x8000));
	CALL("fchmodat of a link, not followed", syscall(SYS_fchmodat, AT_FDCWD, "l", 0640));
	show("through the link");
}
