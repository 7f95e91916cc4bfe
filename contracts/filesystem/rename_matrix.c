// rename(2): each kind of file onto each kind, by rename, RENAME_NOREPLACE and RENAME_EXCHANGE: the whole matrix.
#include "contract.h"

static const char *kinds[] = { "none", "file", "link", "empty", "full", "fifo" };
static void make(const char *name, int kind)
{
	char inner[64];
	switch (kind) {
	case 1: put_file(name, "x"); break;
	case 2: MUST(symlink("target", name)); break;
	case 3: MUST(mkdir(name, 0755)); break;
	case 4:
		MUST(mkdir(name, 0755));
		snprintf(inner, sizeof inner, "%s/x", name);
		put_file(inner, "");
		break;
	case 5: MUST(mkfifo(name, 0644)); break;
	}
}
static void clean(const char *name)
{
	char inner[64];
	snprintf(inner, sizeof inner, "%s/x", name);
	unlink(inner);
	rmdir(name);
	unlink(name);
}
static const char *kind(const char *name)
{
	struct stat st;
	char inner[64];
	snprintf(inner, sizeof inner, "%s/x", name);
	if (lstat(name, &st) == -1)
		return "none";
	if (S_ISDIR(st.st_mode))
		return access(inner, F_OK) == 0 ? "full" : "empty";
	return S_ISREG(st.st_mode) ? "file" : S_ISLNK(st.st_mode) ? "link" : "fifo";
}

int main(void)
{
	for (int flags = 0; flags < 3; flags++)
		for (int from = 1; from < 6; from++) {
			char text[256] = "";
			for (int to = 0; to < 6; to++) {
				make("a", from);
				make("b", to);
				errno = 0;
				long r = syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", flags);
				if (r == 0)
					sprintf(text + strlen(text), " %s,%s", kind("a"), kind("b"));
				else
					sprintf(text + strlen(text), " %s", errno_name(errno));
				clean("a");
				clean("b");
			}
			FACT("%s %s onto none, file, link, empty, full, fifo:%s", flags == 0 ? "rename" : flags == 1 ? "noreplace" : "exchange", kinds[from], text);
		}
	put_file("a", "");
	CALL("both flags", syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", 3));
	CALL("an unknown flag", syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", 64));
	CALL("RENAME_WHITEOUT", syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "b", 4));
	struct stat st;
	lstat("a", &st);
	FACT("leaves a device 0: %d", S_ISCHR(st.st_mode) && st.st_rdev == 0);
}
