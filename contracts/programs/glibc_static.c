// execve(2): a static program with Debian's C library starts: IRELATIVE relocations, TLS, the vDSO, stdio.
// libc: glibc-static
#include "contract.h"
#include <sys/auxv.h>

static _Thread_local char tls[64] = "thread";
static void *thread(void *arg) { return strcpy(tls + 10, "own") == tls + 10 && arg == NULL ? tls : NULL; }

int main(int argc, char **argv)
{
	char a[100], b[100];
	memset(a, 'x', sizeof a); // each is chosen by processor through an IRELATIVE relocation
	memcpy(b, a, sizeof b);
	FACT("memcmp %d strlen %zu", memcmp(a, b, sizeof a), strlen("twelve chars"));
	FACT("tls '%s'", tls);
	pthread_t t = THREAD(thread, NULL);
	IS("a thread has its own", JOIN(t) != NULL && tls[10] == 0);
	IS("AT_BASE is 0", getauxval(AT_BASE) == 0);
	time_t now = time(NULL);
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	WITHIN("time and clock_gettime agree", ts.tv_sec - now, 0, 2);
	setvbuf(stdout, NULL, _IOFBF, 4096);
	printf("number %d text %s float %.3f\n", 42, "abc", 1.0 / 3);
	fflush(stdout);
	void *p = malloc(1 << 20), *q = malloc(100);
	IS("malloc", p != NULL && q != NULL);
	p = realloc(p, 4 << 20);
	IS("realloc", p != NULL);
	free(p);
	free(q);
	return 0;
}
