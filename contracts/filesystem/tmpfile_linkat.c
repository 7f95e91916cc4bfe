// open(2): O_TMPFILE: no name, linked later, O_EXCL forbids that; linkat with AT_EMPTY_PATH and through procfs.
#include "contract.h"

int main(void)
{
	struct stat st;
	char path[64], text[256] = "";
	int fd = MUST(open(".", O_TMPFILE | O_RDWR, 0640));
	fstat(fd, &st);
	FACT("mode %o links %d size %d", st.st_mode, (int)st.st_nlink, (int)st.st_size);
	write(fd, "content", 7);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	readlink(path, text, sizeof text - 1);
	IS("its link says deleted", strstr(text, "(deleted)") != NULL && strstr(text, "/#") != NULL);
	CALL("link it by procfs", linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	FACT("'%s'", get_file("named"));
	fstat(fd, &st);
	FACT("links %d", (int)st.st_nlink);
	CALL("link it again, by AT_EMPTY_PATH", linkat(fd, "", AT_FDCWD, "second", AT_EMPTY_PATH));
	CALL("onto an existing name", linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH));
	CALL("without the flag", linkat(fd, "", AT_FDCWD, "third", 0));
	unlink("named");
	unlink("second");
	CALL("after its last name went", linkat(fd, "", AT_FDCWD, "back", AT_EMPTY_PATH));
	int excl = MUST(open(".", O_TMPFILE | O_WRONLY | O_EXCL, 0600));
	CALL("O_EXCL: never", linkat(excl, "", AT_FDCWD, "x", AT_EMPTY_PATH));
	CALL("O_TMPFILE read-only", open(".", O_TMPFILE | O_RDONLY, 0600));
	CALL("in a file", open("second", O_TMPFILE | O_RDWR, 0600));
	put_file("plain", "");
	CALL("in a file that exists", open("plain", O_TMPFILE | O_RDWR, 0600));
	CALL("in a missing directory", open("missing", O_TMPFILE | O_RDWR, 0600));
	CALL("in /proc", open("/proc", O_TMPFILE | O_RDWR, 0600));
	umask(077);
	fd = MUST(open(".", O_TMPFILE | O_RDWR, 0666));
	fstat(fd, &st);
	FACT("umask counts: %o", st.st_mode & 0777);
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		CALL("a user where it may not write", open(".", O_TMPFILE | O_RDWR, 0600));
		CALL("AT_EMPTY_PATH of a descriptor opened by another", linkat(fd, "", AT_FDCWD, "z", AT_EMPTY_PATH));
	}
	REAP(pid);
	int other = open("plain", O_PATH);
	CALL("an O_PATH descriptor by AT_EMPTY_PATH", linkat(other, "", AT_FDCWD, "fourth", AT_EMPTY_PATH));
	CALL("a directory", linkat(AT_FDCWD, ".", AT_FDCWD, "fifth", 0));
	CALL("bad flags", linkat(AT_FDCWD, "plain", AT_FDCWD, "sixth", 1));
}
