// shm_open(3), memfd_create(2): memory shared between unrelated processes, by name and by a passed descriptor.
#include "contract.h"

int main(int argc, char **argv)
{
	if (argc > 1) {
		int fd = argv[1][0] == '/' ? shm_open(argv[1], O_RDWR, 0) : atoi(argv[1]);
		_Atomic int *p = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		FACT("after exec %d", *p);
		*p += 1;
		return 0;
	}
	CALL("no such name", shm_open("/nothing", O_RDWR, 0));
	int fd = MUST(shm_open("/shared", O_RDWR | O_CREAT | O_EXCL, 0640));
	CALL("exclusive", shm_open("/shared", O_RDWR | O_CREAT | O_EXCL, 0640));
	struct stat st;
	fstat(fd, &st);
	FACT("size %d mode %o close-on-exec %d", (int)st.st_size, st.st_mode, fcntl(fd, F_GETFD));
	CALL("ftruncate", ftruncate(fd, page()));
	_Atomic int *p = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*p = 41;
	pid_t pid;
	CHILD(pid) { execl("/proc/self/exe", "x", "/shared", NULL); }
	REAP(pid);
	FACT("written by the other %d", *p);
	int v = 0;
	pread(fd, &v, 4, 0);
	FACT("read of the file %d", v);
	CALL("unlink", shm_unlink("/shared"));
	CALL("unlink again", shm_unlink("/shared"));
	FACT("the mapping stays %d", *p);
	int m = MUST(memfd_create("shared", 0));
	ftruncate(m, page());
	p = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, m, 0);
	*p = 7;
	CHILD(pid)
	{
		char text[16];
		snprintf(text, sizeof text, "%d", m);
		execl("/proc/self/exe", "x", text, NULL);
	}
	REAP(pid);
	FACT("written through the memfd %d", *p);
	char link[64] = "", path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", m);
	readlink(path, link, sizeof link - 1);
	FACT("its link %s", link);
	OK("open by the link", open(path, O_RDWR));
}
