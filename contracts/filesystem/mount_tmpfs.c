// mount(2), umount2(2), statfs(2): a tmpfs with options: limits, flags, busy, lazy, over a directory in use, remount.
#include "contract.h"

static char zeros[8192];
int main(void)
{
	mkdir("m", 0755);
	put_file("m/under", "");
	CALL("mount", mount("source", "m", "tmpfs", MS_NOEXEC, "size=32k,nr_inodes=6,mode=1770,uid=5,gid=6"));
	struct stat st;
	stat("m", &st);
	FACT("mode %o uid %d gid %d, inode %d", st.st_mode, st.st_uid, st.st_gid, (int)st.st_ino == 1);
	CALL("what is beneath is hidden", access("m/under", F_OK));
	struct statfs f;
	statfs("m", &f);
	FACT("type %#lx blocks %ld free %ld files %ld free %ld namelen %ld flags %#lx", (long)f.f_type, (long)f.f_blocks, (long)f.f_bfree, (long)f.f_files,
	     (long)f.f_ffree, (long)f.f_namelen, (long)f.f_flags);
	int fd = MUST(open("m/f", O_CREAT | O_RDWR, 0755));
	long total = 0, n;
	while ((n = write(fd, zeros, sizeof zeros)) > 0)
		total += n;
	FACT("full after %ld: %s", total, errno_name(errno));
	CALL("fallocate", fallocate(fd, 0, 0, 64 << 10));
	ftruncate(fd, 4096);
	int made = 0;
	for (int i = 0; i < 10; i++) {
		char name[16];
		snprintf(name, sizeof name, "m/n%d", i);
		int t = open(name, O_CREAT | O_RDWR, 0644);
		if (t < 0)
			break;
		made++;
		close(t);
	}
	FACT("more files: %d then %s", made, errno_name(errno));
	CALL("exec", execl("m/f", "f", NULL));
	CALL("busy", umount("m"));
	CALL("remount read-only with a writer", mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	close(fd);
	CALL("without", mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	CALL("create", open("m/x", O_CREAT | O_RDWR, 0644));
	CALL("write", open("m/f", O_RDWR));
	CALL("access", access("m/f", W_OK));
	CALL("chmod", chmod("m/f", 0600));
	CALL("unlink", unlink("m/f"));
	CALL("utimes", utimes("m/f", NULL));
	CALL("remount smaller than its content", mount(NULL, "m", NULL, MS_REMOUNT, "nr_inodes=2"));
	CALL("rmdir of a mount", rmdir("m"));
	CALL("rename of a mount", rename("m", "m2"));
	fd = open("m", O_RDONLY);
	CALL("MNT_EXPIRE", umount2("m", MNT_EXPIRE));
	CALL("MNT_DETACH", umount2("m", MNT_DETACH));
	CALL("the descriptor goes on", openat(fd, "f", O_RDONLY) >= 0);
	CALL("its ..", ({ int up = openat(fd, "..", O_RDONLY); fstat(up, &st); (int)st.st_ino == 1; }));
	CALL("what was beneath", access("m/under", F_OK));
	CALL("umount of no mount", umount("m"));
	CALL("bad flags", umount2("m", 0x100));
	CALL("no such type", mount("none", "m", "nothing", 0, NULL));
	CALL("no such place", mount("none", "missing", "tmpfs", 0, NULL));
	CALL("on a file", mount("none", "m/under", "tmpfs", 0, NULL));
	CALL("a bad option", mount("none", "m", "tmpfs", 0, "size=1x"));
	CALL("an unknown option", mount("none", "m", "tmpfs", 0, "nonsense=1"));
}
