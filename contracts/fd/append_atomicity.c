// open(2): O_APPEND: concurrent writers lose and overwrite nothing.
#include "contract.h"

int main(void)
{
	enum { WRITERS = 4, EACH = 50 };
	close(open("f", O_WRONLY | O_CREAT, 0644));
	for (int w = 0; w < WRITERS; w++)
		if (fork() == 0) {
			int fd = open("f", O_WRONLY | O_APPEND);
			char m[8];
			snprintf(m, sizeof m, "line %c\n", 'a' + w);
			for (int i = 0; i < EACH; i++) {
				lseek(fd, 0, SEEK_SET);
				write(fd, m, 7);
			}
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	struct stat s;
	stat("f", &s);
	FACT("size %ld", (long)s.st_size);
	char *text = get_file("f");
	int count[WRITERS] = { 0 };
	for (char *p = text; *p; p += 7)
		if (strncmp(p, "line ", 5) == 0)
			count[p[5] - 'a']++;
	for (int w = 0; w < WRITERS; w++)
		FACT("writer %d: %d", w, count[w]);
}
