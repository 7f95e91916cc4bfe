// proc(5): maps: a line per mapping, rights, names; unmapping and protecting show.
#include "contract.h"

static void find(const char *name, void *p)
{
	char *t = get_file("/proc/self/maps");
	unsigned long a = (unsigned long)p, lo, hi, off;
	for (char *l = t; l && *l; l = strchr(l, '\n'), l = l ? l + 1 : l) {
		char rights[8] = "", path[256] = "", line[512];
		snprintf(line, sizeof line, "%.*s", (int)strcspn(l, "\n"), l);
		sscanf(line, "%lx-%lx %7s %lx %*s %*s %255s", &lo, &hi, rights, &off, path);
		if (a >= lo && a < hi) {
			char *base = strrchr(path, '/');
			FACT("%s: %s offset %lx pages %lu '%s'", name, rights, off, (hi - lo) / page(), base ? base + 1 : path);
			return;
		}
	}
	FACT("%s: not mapped", name);
}

int main(void)
{
	size_t n = page();
	char *none = pages(8, PROT_NONE);
	char *m = none + 2 * n;
	mprotect(m, 3 * n, PROT_READ | PROT_WRITE);
	find("anonymous", m);
	find("around it", none);
	mprotect(m + n, n, PROT_READ);
	find("split", m + n);
	mprotect(m + n, n, PROT_READ | PROT_WRITE);
	find("merged", m);
	munmap(m + n, n);
	find("hole", m + n);
	put_file("file", "0123");
	int fd = open("file", O_RDWR);
	ftruncate(fd, 3 * n);
	find("file", mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, n));
	find("shared file", mmap(NULL, 2 * n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	IS("stack", strstr(get_file("/proc/self/maps"), "[stack]") != NULL);
	IS("vdso", strstr(get_file("/proc/self/maps"), "[vdso]") != NULL);
}
