// unlink(2), rmdir(2), unlinkat(2): errors.
#include "contract.h"

int main(void)
{
	put_file("f", "");
	mkdir("d", 0755);
	put_file("d/x", "");
	symlink("d", "l");
	CALL("unlink of a directory", unlink("d"));
	CALL("rmdir of a file", rmdir("f"));
	CALL("rmdir of a full directory", rmdir("d"));
	CALL("rmdir of a link to a directory", rmdir("l"));
	CALL("rmdir of .", rmdir("."));
	CALL("rmdir of d/.", rmdir("d/."));
	CALL("rmdir of d/..", rmdir("d/.."));
	CALL("missing", unlink("missing"));
	CALL("trailing slash", unlink("f/"));
	CALL("bad flag", unlinkat(AT_FDCWD, "f", 1));
	CALL("AT_REMOVEDIR of a file", unlinkat(AT_FDCWD, "f", AT_REMOVEDIR));
	CALL("unlink", unlink("f"));
	CALL("unlink of a link", unlink("l"));
	unlink("d/x");
	chdir("d");
	CALL("rmdir of the working directory", rmdir("../d"));
	char cwd[PATH_MAX];
	CALL("getcwd there", syscall(SYS_getcwd, cwd, sizeof cwd));
	CALL("create there", open("new", O_CREAT | O_WRONLY, 0644));
	CALL("open .", open(".", O_RDONLY) >= 0);
	CALL("stat of ..", access("..", F_OK));
}
