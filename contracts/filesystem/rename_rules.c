// rename(2), renameat2(2): replacement, directories, loops, links to the same file, NOREPLACE and EXCHANGE.
#include "contract.h"

static long r2(const char *a, const char *b, unsigned flags) { return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags); }

int main(void)
{
	put_file("a", "A");
	put_file("b", "B");
	CALL("onto a file", rename("a", "b"));
	FACT("'%s' a exists %d", get_file("b"), access("a", F_OK) == 0);
	mkdir("d", 0755);
	mkdir("e", 0755);
	put_file("e/x", "x");
	CALL("file onto a directory", rename("b", "d"));
	CALL("directory onto a file", rename("d", "b"));
	CALL("directory onto a full directory", rename("d", "e"));
	CALL("directory onto an empty one", rename("e", "d"));
	FACT("moved %d", access("d/x", F_OK) == 0);
	CALL("into itself", rename("d", "d/y"));
	CALL("missing", rename("missing", "z"));
	CALL("onto itself", rename("b", "b"));
	link("b", "hard");
	CALL("onto a link to the same file", rename("b", "hard"));
	FACT("both exist %d %d", access("b", F_OK) == 0, access("hard", F_OK) == 0);
	CALL("to .", rename("d", "."));
	CALL("from ..", rename("d/..", "q"));
	CALL("file with a trailing slash", rename("b", "n/"));
	symlink("b", "sym");
	CALL("a link itself", rename("sym", "sym2"));
	FACT("is a link %d", readlink("sym2", (char[8]){ 0 }, 8) == 1);
	CALL("RENAME_NOREPLACE, taken", r2("b", "hard", 1));
	CALL("RENAME_NOREPLACE, free", r2("b", "free", 1));
	put_file("one", "1");
	put_file("two", "2");
	CALL("RENAME_EXCHANGE", r2("one", "two", 2));
	FACT("one '%s'", get_file("one"));
	CALL("exchange with nothing", r2("one", "missing", 2));
	CALL("both flags", r2("one", "two", 3));
	CALL("unknown flag", r2("one", "two", 64));
}
