// openat(2): flags and their errors, in the order in which they win.
#include "contract.h"

int main(void)
{
	put_file("f", "text");
	mkdir("d", 0755);
	symlink("f", "link");
	symlink("missing", "dangling");
	symlink("loop", "loop");
	CALL("missing", open("missing", O_RDONLY));
	CALL("O_CREAT|O_EXCL of an existing file", open("f", O_CREAT | O_EXCL | O_RDWR, 0644));
	CALL("O_CREAT|O_EXCL of a dangling link", open("dangling", O_CREAT | O_EXCL | O_RDWR, 0644));
	CALL("O_NOFOLLOW of a link", open("link", O_RDONLY | O_NOFOLLOW));
	CALL("loop", open("loop", O_RDONLY));
	CALL("directory for writing", open("d", O_WRONLY));
	CALL("directory with O_CREAT", open("d", O_RDONLY | O_CREAT, 0644));
	CALL("O_DIRECTORY of a file", open("f", O_RDONLY | O_DIRECTORY));
	CALL("O_DIRECTORY|O_CREAT", open("new", O_RDONLY | O_DIRECTORY | O_CREAT, 0644));
	CALL("file as a directory", open("f/x", O_RDONLY));
	CALL("trailing slash of a file", open("f/", O_RDONLY));
	CALL("empty path", open("", O_RDONLY));
	CALL("bad address", open(BAD_POINTER, O_RDONLY));
	CALL("relative to nothing", openat(99, "f", O_RDONLY));
	CALL("relative to a file", openat(open("f", O_RDONLY), "f", O_RDONLY));
	CALL("absolute ignores the descriptor", openat(99, "/", O_RDONLY) >= 0);
	char name[257];
	memset(name, 'n', 256);
	name[256] = 0;
	CALL("name of 256", open(name, O_RDONLY));
	char *path = malloc(5000);
	memset(path, '/', 4999);
	path[4999] = 0;
	CALL("path of 4999", open(path, O_RDONLY));
	struct stat s;
	int fd = open("link", O_RDWR | O_TRUNC);
	fstat(fd, &s);
	FACT("O_TRUNC: size %ld", (long)s.st_size);
	CALL("through a dangling link O_CREAT makes its target", open("dangling", O_CREAT | O_RDWR, 0644) >= 0);
	FACT("target exists %d", access("missing", F_OK) == 0);
	CALL("O_TMPFILE", open("d", O_TMPFILE | O_RDWR, 0600) >= 0);
	CALL("O_TMPFILE read-only", open("d", O_TMPFILE | O_RDONLY, 0600));
}
