// getrandom(2): flags, lengths, bad pointers, and that two answers differ.
#include "contract.h"

static long get(void *p, size_t n, unsigned flags) { return syscall(SYS_getrandom, p, n, flags); }

int main(void)
{
	unsigned char a[512] = { 0 }, b[512] = { 0 };
	CALL("16 bytes", get(a, 16, 0));
	CALL("NONBLOCK", get(b, 16, 1));
	IS("they differ", memcmp(a, b, 16) != 0);
	IS("no more than asked for", a[16] == 0 && b[16] == 0);
	CALL("RANDOM", get(a, 16, 2));
	CALL("INSECURE", get(a, 16, 4));
	CALL("NONBLOCK and RANDOM", get(a, 16, 3));
	CALL("RANDOM and INSECURE", get(a, 16, 6));
	CALL("an unknown flag", get(a, 16, 8));
	CALL("nothing", get(a, 0, 0));
	CALL("nothing, at a bad pointer", get(BAD_POINTER, 0, 0));
	CALL("a bad pointer", get(BAD_POINTER, 16, 0));
	CALL("512 bytes", get(a, sizeof a, 0));
	char *two = pages(2, PROT_READ | PROT_WRITE);
	mprotect(two + page(), page(), PROT_NONE);
	CALL("up to a page that is not there", get(two + page() - 40, 40, 0));
	CALL("large", get(pages(64, PROT_READ | PROT_WRITE), 64 * page(), 0));
	pid_t pid;
	CALL("before fork", get(a, 32, 0));
	char *shared = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHILD(pid) get(shared, 32, 0);
	REAP(pid);
	get(b, 32, 0);
	IS("a child's differ from its parent's", memcmp(shared, b, 32) != 0 && memcmp(shared, a, 32) != 0);
}
