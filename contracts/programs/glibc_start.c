// ld.so(8): a dynamic program with Debian's C library starts: constructors, arguments, environment, auxiliary vector, TLS.
// libc: glibc
#include "contract.h"
#include <sys/auxv.h>

static _Thread_local int tls_zero, tls_seven = 7;
static int order[4], n;
__attribute__((constructor(200))) static void second(void) { order[n++] = 2; }
__attribute__((constructor(101))) static void first(void) { order[n++] = 1; }
__attribute__((destructor)) static void last(void) { FACT("destructor"); }
static void at_exit(void) { FACT("atexit"); }

int main(int argc, char **argv, char **envp)
{
	FACT("constructors %d %d %d", n, order[0], order[1]);
	FACT("arguments %d, ends with null: %d", argc, argv[argc] == NULL);
	IS("environ", environ == envp && getenv("HOME") != NULL && strcmp(getenv("HOME"), "/") == 0);
	FACT("thread-local %d %d", tls_zero, tls_seven);
	IS("the loader's base", getauxval(AT_BASE) != 0);
	IS("the program is elsewhere", getauxval(AT_BASE) != getauxval(AT_PHDR) - 64);
	IS("entry above the headers", getauxval(AT_ENTRY) > getauxval(AT_PHDR));
	char name[] = "libc.so.6";
	IS("libc is mapped", strstr(get_file("/proc/self/maps"), name) != NULL);
	IS("so is the loader", strstr(get_file("/proc/self/maps"), "/ld-linux") != NULL);
	IS("and the program by its name", strstr(get_file("/proc/self/maps"), argv[0]) != NULL);
	errno = 0;
	FACT("errno is thread-local: %s", errno_name(errno));
	atexit(at_exit);
	printf("buffered until exit\n");
	return 3;
}
