// chdir(2), fchdir(2), getcwd(2), chroot(2).
#include "contract.h"

int main(void)
{
	char b[PATH_MAX], start[PATH_MAX];
	getcwd(start, sizeof start);
	mkdir("d", 0755);
	put_file("f", "");
	symlink("d", "l");
	int here = open(".", O_RDONLY);
	CALL("through a link", chdir("l"));
	getcwd(b, sizeof b);
	FACT("real name '%s'", strrchr(b, '/'));
	CALL("fchdir", fchdir(here));
	IS("back", strcmp(getcwd(b, sizeof b), start) == 0);
	CALL("to a file", chdir("f"));
	CALL("missing", chdir("missing"));
	CALL("fchdir to a file", fchdir(open("f", O_RDONLY)));
	CALL("getcwd into 1 byte", syscall(SYS_getcwd, b, 1));
	CALL("getcwd into 0 bytes", syscall(SYS_getcwd, b, 0));
	IS("the raw call counts the NUL", syscall(SYS_getcwd, b, sizeof b) == (long)strlen(start) + 1);
	chdir("/");
	CALL("raw, at /", syscall(SYS_getcwd, b, sizeof b));
	chdir("..");
	FACT("above / is '%s'", getcwd(b, sizeof b));
	fchdir(here);
	CALL("chroot", chroot("d"));
	CALL("/f from inside", access("/f", F_OK));
	CALL("getcwd outside the root", syscall(SYS_getcwd, b, sizeof b) > 0);
	FACT("'%.13s'", b);
	chdir("/");
	FACT("root is '%s'", getcwd(b, sizeof b));
	CALL(".. stays inside", access("../f", F_OK));
}
