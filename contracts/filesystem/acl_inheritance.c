// acl(5), "OBJECT CREATION AND DEFAULT ACLs": what open, mkdir, mknod, bind, symlink and link make below a default list; no umask.
#include "contract.h"
#include "acl.h"

static void make(void)
{
	int fd = open("d/f666", O_CREAT | O_EXCL | O_WRONLY, 0666);
	close(fd);
	acl_show("open 0666", "d/f666");
	close(open("d/f600", O_CREAT | O_EXCL | O_WRONLY, 0600));
	acl_show("open 0600", "d/f600");
	close(creat("d/f755", 0755));
	acl_show("creat 0755", "d/f755");
	close(open("d/f000", O_CREAT, 0));
	acl_show("open 0", "d/f000");
	mkdir("d/d777", 0777);
	acl_show("mkdir 0777", "d/d777");
	mkdir("d/d700", 0700);
	acl_show("mkdir 0700", "d/d700");
	mkdir("d/d777/d", 01770);
	acl_show("one below", "d/d777/d");
	mknod("d/p", S_IFIFO | 0666, 0);
	acl_show("mknod", "d/p");
	symlink("f666", "d/l");
	struct stat st;
	lstat("d/l", &st);
	FACT("symlink: %04o", st.st_mode & 07777);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(s, (struct sockaddr *)&(struct sockaddr_un){ AF_UNIX, "d/s" }, sizeof(struct sockaddr_un));
	close(s);
	acl_show("bind", "d/s");
	put_file("plain", "");
	link("plain", "d/linked");
	acl_show("link", "d/linked");
	rename("plain", "d/moved");
	acl_show("rename", "d/moved");
	fd = open("d", O_TMPFILE | O_RDWR, 0666);
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	acl_show("O_TMPFILE", (linkat(AT_FDCWD, path, AT_FDCWD, "d/t", AT_SYMLINK_FOLLOW), "d/t"));
	close(fd);
}

static void below(const char *list)
{
	static int n;
	char old[16];
	mkdir("d", 0755);
	FACT("--- default %s", list);
	MUST(acl_set("d", DEFAULT_LIST, list));
	make();
	snprintf(old, sizeof old, "old%d", n++);
	MUST(rename("d", old));
}

int main(void)
{
	umask(027);
	below("u::rwx,u:1000:rwx,g::r-x,g:2000:r--,m::rwx,o::r-x");
	below("u::rw-,u:1000:r-x,g::rwx,m::r-x,o::---");
	below("u::rwx,g::rw-,o::r--");
	below("u::r--,g::---,o::rwx");
	FACT("--- with set-group-ID");
	mkdir("d", 0755);
	chown("d", 0, 2000);
	chmod("d", 02755);
	MUST(acl_set("d", DEFAULT_LIST, "u::rwx,g::rwx,m::rw-,o::---"));
	mkdir("d/sub", 0777);
	acl_show("mkdir", "d/sub");
	close(creat("d/f", 02777));
	acl_show("creat", "d/f");
	struct stat st;
	stat("d/f", &st);
	FACT("group %d", st.st_gid);
	FACT("--- only an access list");
	mkdir("e", 0755);
	MUST(acl_set("e", ACCESS_LIST, "u::rwx,u:1000:rwx,g::r-x,m::rwx,o::r-x"));
	mkdir("e/sub", 0777);
	acl_show("mkdir", "e/sub");
}
