// open(2), umask(2), mkdir(2), mknod(2): modes less the umask; a mode without rights still opens.
#include "contract.h"

static void mode(const char *path)
{
	struct stat s;
	lstat(path, &s);
	FACT("%s: %o", path, s.st_mode);
}

int main(void)
{
	FACT("umask %o", umask(027));
	close(open("a", O_CREAT | O_WRONLY, 0777));
	mode("a");
	mkdir("d", 0777);
	mode("d");
	mkdir("sticky", 01777);
	mode("sticky");
	mknod("p", S_IFIFO | 0666, 0);
	mode("p");
	CALL("mode 0, for writing", open("zero", O_CREAT | O_WRONLY, 0) >= 0);
	mode("zero");
	close(open("suid", O_CREAT | O_WRONLY, 07777));
	mode("suid");
	symlink("a", "l");
	mode("l");
	FACT("umask %o", umask(07777));
	FACT("umask keeps 9 bits: %o", umask(022));
	CALL("mknod of a directory", mknod("x", S_IFDIR | 0755, 0));
	CALL("mknod of no type is a file", mknod("x", 0600, 0));
	mode("x");
}
