// mmap(2): the last page, holes, appended data, SIGBUS and its handler, calls on such pages, truncation under a mapping.
#include "contract.h"
#include <setjmp.h>

static sigjmp_buf env;
static volatile int code;
static void *volatile where;
static void bus(int sig, siginfo_t *info, void *context)
{
	code = info->si_code;
	where = info->si_addr;
	siglongjmp(env, sig);
}

int main(void)
{
	size_t n = page();
	struct sigaction sa = { .sa_sigaction = bus, .sa_flags = SA_SIGINFO };
	sigaction(SIGBUS, &sa, NULL);
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	write(fd, "0123456789", 10);
	char *p = mmap(NULL, 3 * n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	FACT("behind the end on its page: %d", p[10]);
	p[n - 1] = 1; // never in the file
	struct stat st;
	fstat(fd, &st);
	FACT("size %d", (int)st.st_size);
	int sig = sigsetjmp(env, 1);
	if (sig == 0)
		*(volatile char *)(p + n + 5);
	FACT("the next page: %s BUS_ADRERR %d at its address %d", signal_name(sig), code == BUS_ADRERR, where == p + n + 5);
	CALL("a call that reads it", write(1, p + n, 1));
	CALL("a call that fills it", pread(fd, p + n, 5, 0));
	lseek(fd, 0, SEEK_END);
	write(fd, "ABC", 3);
	FACT("appended: %.3s", p + 10);
	ftruncate(fd, 2 * n);
	FACT("extended: %d", p[n + 5]);
	p[n + 5] = 'q';
	char c;
	pread(fd, &c, 1, n + 5);
	FACT("written in place: %c", c);
	ftruncate(fd, n - 10);
	sig = sigsetjmp(env, 1);
	if (sig == 0)
		*(volatile char *)(p + n + 5) = 1;
	FACT("cut off: %s", signal_name(sig));
	ftruncate(fd, 2 * n);
	FACT("and extended: %d", p[n + 5]);
	char *v = mmap(NULL, 2 * n, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	v[n] = 'P';
	ftruncate(fd, 5);
	sig = sigsetjmp(env, 1);
	if (sig == 0)
		*(volatile char *)(v + n);
	FACT("a private copy is cut off too: %s", signal_name(sig));
	ftruncate(fd, 2 * n);
	FACT("and is gone: %d", v[n]);
	FACT("the tail was zeroed: %d, the head stays %.5s", p[6], p);
	CALL("at an offset beyond the end", (long)mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 100 * n) != -1 ? 0 : -1);
	CALL("an odd offset", (long)mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 100));
	CALL("an offset that overflows", (long)syscall(SYS_mmap, NULL, n, PROT_READ, MAP_SHARED, fd, -n));
	int dir = open(".", O_RDONLY);
	CALL("a directory", (long)mmap(NULL, n, PROT_READ, MAP_SHARED, dir, 0));
	int q[2];
	pipe(q);
	CALL("a pipe", (long)mmap(NULL, n, PROT_READ, MAP_SHARED, q[0], 0));
	int zero = open("/dev/zero", O_RDWR);
	char *z = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
	FACT("/dev/zero: %d", z[0]);
	CALL("/dev/null", (long)mmap(NULL, n, PROT_READ, MAP_PRIVATE, open("/dev/null", O_RDWR), 0));
}
