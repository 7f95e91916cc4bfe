// setrlimit(2), write(2): RLIMIT_FSIZE: a write is cut at the limit, then SIGXFSZ and EFBIG.
#include "contract.h"

int main(void)
{
	struct rlimit r = { 10, RLIM_INFINITY };
	MUST(setrlimit(RLIMIT_FSIZE, &r));
	int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
	CALL("a write across the limit", write(fd, "0123456789abcdef", 16));
	note_signal(SIGXFSZ, 0);
	CALL("a write at the limit", write(fd, "x", 1));
	FACT("SIGXFSZ: %d", got[SIGXFSZ]);
	CALL("ftruncate above", ftruncate(fd, 11));
	FACT("SIGXFSZ: %d", got[SIGXFSZ]);
	CALL("ftruncate at the limit", ftruncate(fd, 10));
	pid_t pid;
	signal(SIGXFSZ, SIG_DFL);
	CHILD(pid) { pwrite(fd, "x", 1, 100); }
	ENDED("default action", pid);
}
