// proc(5): /proc/self/mem reads and writes memory, past protections; holes are EIO; auxv, environ, cmdline.
#include "contract.h"
#include <elf.h>
#include <sys/auxv.h>

static char word[16] = "original";

int main(int argc, char **argv)
{
	int fd = MUST(open("/proc/self/mem", O_RDWR));
	char b[16] = "";
	CALL("read", pread(fd, b, 9, (off_t)word));
	FACT("'%s'", b);
	CALL("write", pwrite(fd, "changed", 8, (off_t)word));
	FACT("'%s'", word);
	char *p = pages(3, PROT_READ | PROT_WRITE);
	strcpy(p, "page");
	mprotect(p, page(), PROT_READ);
	CALL("write to a read-only page", pwrite(fd, "PAGE", 4, (off_t)p));
	FACT("'%s'", p);
	mprotect(p, page(), PROT_NONE);
	CALL("read of a PROT_NONE page", pread(fd, b, 4, (off_t)p));
	FACT("'%.4s'", b);
	munmap(p + page(), page());
	CALL("a hole", pread(fd, b, 4, (off_t)(p + page())));
	CALL("up to a hole", pread(fd, b, 16, (off_t)(p + page() - 6)));
	CALL("address 0", pread(fd, b, 4, 0));
	CALL("lseek and read", ({ lseek(fd, (off_t)word, SEEK_SET); read(fd, b, 8); }));
	CALL("SEEK_END", lseek(fd, 0, SEEK_END));
	pid_t pid, self = getpid();
	char path[64];
	CHILD(pid)
	{
		strcpy(word, "child's");
		pause();
	}
	asleep(pid);
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int other = MUST(open(path, O_RDONLY));
	pread(other, b, 8, (off_t)word);
	FACT("a child's '%s'", b);
	kill(pid, SIGKILL);
	REAP(pid);
	CALL("after its end", pread(other, b, 8, (off_t)word));
	int aux = MUST(open("/proc/self/auxv", O_RDONLY));
	Elf64_auxv_t a;
	unsigned long pagesz = 0;
	while (read(aux, &a, sizeof a) == sizeof a && a.a_type != AT_NULL)
		if (a.a_type == AT_PAGESZ)
			pagesz = a.a_un.a_val;
	IS("auxv", pagesz == getauxval(AT_PAGESZ));
	char *text = get_file("/proc/self/cmdline");
	IS("cmdline ends with a zero", strcmp(text, argv[0]) == 0);
	argv[0][1] = 'X';
	FACT("it is the memory itself: %c", get_file("/proc/self/cmdline")[1]);
	FACT("environ: %s", get_file("/proc/self/environ"));
}
