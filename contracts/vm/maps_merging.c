// mprotect(2), munmap(2), proc(5): mappings split where they must and merge where they can, as maps shows.
#include "contract.h"

static char *base;
// show prints the mappings of an area, each as its first page, size and rights.
static void show(const char *name)
{
	char text[512] = "";
	for (char *p = get_file("/proc/self/maps"); p != NULL && *p; p = strchr(p, '\n'), p = p ? p + 1 : p) {
		unsigned long from, to;
		char rights[8];
		if (sscanf(p, "%lx-%lx %7s", &from, &to, rights) == 3 && from >= (unsigned long)base && from < (unsigned long)base + 16 * page())
			sprintf(text + strlen(text), " %ld+%ld:%s", (from - (unsigned long)base) / page(), (to - from) / page(), rights);
	}
	FACT("%s:%s", name, text);
}

int main(void)
{
	size_t n = page();
	char *room = mmap(NULL, 64 * n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	base = room + 24 * n;
	munmap(base, 16 * n);
	mmap(base, 8 * n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	show("eight pages");
	mprotect(base + 2 * n, 2 * n, PROT_READ);
	show("two in the middle read-only");
	mprotect(base + 2 * n, 2 * n, PROT_READ | PROT_WRITE);
	show("and back");
	munmap(base + 3 * n, n);
	show("one unmapped");
	mmap(base + 3 * n, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	show("and mapped again");
	mmap(base + 8 * n, 2 * n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	show("two more behind");
	mmap(base + 10 * n, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	show("a shared one");
	CALL("mprotect with a hole", mprotect(base + 8 * n, 5 * n, PROT_READ));
	show("what was before the hole changed");
	CALL("munmap over holes", munmap(base, 16 * n));
	show("nothing");
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	ftruncate(fd, 8 * n);
	mmap(base, 2 * n, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
	mmap(base + 2 * n, 2 * n, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 2 * n);
	show("a file, offsets that continue");
	mmap(base + 4 * n, 2 * n, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
	show("offsets that do not");
	CALL("unaligned munmap", munmap(base + 1, n));
	CALL("of length 0", munmap(base, 0));
	CALL("a length that is no multiple", munmap(base, 1));
	show("takes the whole page");
	madvise(base + n, n, MADV_DONTFORK);
	show("MADV_DONTFORK splits");
	pid_t pid;
	CHILD(pid) { show("a child has the rest"); }
	REAP(pid);
	CALL("mlock", mlock(base + 4 * n, n));
	show("mlock splits");
	CALL("munlock", munlock(base + 4 * n, n));
	show("munlock merges");
}
