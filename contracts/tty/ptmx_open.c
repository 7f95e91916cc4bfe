// ptmx(4), pts(4): lock, number, peer, owner and mode of the slave's name, reuse of numbers, flags.
#include "contract.h"

int main(void)
{
	int m = MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)), n = -1, lock = -1;
	char name[64];
	CALL("TIOCGPTN", ioctl(m, TIOCGPTN, &n));
	CALL("TIOCGPTLCK", ioctl(m, TIOCGPTLCK, &lock));
	FACT("locked %d", lock);
	sprintf(name, "/dev/pts/%d", n);
	CALL("open when locked", open(name, O_RDWR | O_NOCTTY));
	lock = 0;
	CALL("TIOCSPTLCK", ioctl(m, TIOCSPTLCK, &lock));
	int s = MUST(open(name, O_RDWR | O_NOCTTY));
	struct stat st, ms;
	fstat(s, &st);
	fstat(m, &ms);
	FACT("slave mode %o uid %d, major %d", st.st_mode, st.st_uid, (int)(st.st_rdev >> 8));
	FACT("minor is the number: %d", (int)(st.st_rdev & 255) == n);
	FACT("master is 5:2: %d", ms.st_rdev == (5 << 8 | 2));
	int peer = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	IS("TIOCGPTPEER", peer >= 0 && isatty(peer));
	char link[64] = "", path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", peer);
	readlink(path, link, sizeof link - 1);
	IS("its name", strcmp(link, name) == 0);
	CALL("TIOCGPTN on a slave", ioctl(s, TIOCGPTN, &n));
	CALL("TIOCGPTPEER on a slave", ioctl(s, TIOCGPTPEER, O_RDWR));
	int m2 = MUST(open("/dev/pts/ptmx", O_RDWR | O_NOCTTY)), n2 = -1;
	ioctl(m2, TIOCGPTN, &n2);
	IS("another number", n2 != n);
	close(m2);
	int m3 = MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY)), n3 = -1;
	ioctl(m3, TIOCGPTN, &n3);
	IS("a freed number is used again", n3 == n2);
	pid_t pid;
	CHILD(pid)
	{
		setgid(1000);
		setuid(1000);
		int u = open("/dev/ptmx", O_RDWR | O_NOCTTY), v = -1;
		IS("a user opens one", u >= 0);
		ioctl(u, TIOCGPTN, &v);
		sprintf(path, "/dev/pts/%d", v);
		stat(path, &st);
		FACT("owner %d group %d mode %o", st.st_uid, st.st_gid, st.st_mode & 0777);
	}
	REAP(pid);
	CALL("write-only open of a slave", ({ int w = open(name, O_WRONLY | O_NOCTTY); char c; read(w, &c, 1); }));
	CALL("mkdir in /dev/pts", mkdir("/dev/pts/x", 0755));
	CALL("unlink in /dev/pts", unlink(name));
}
