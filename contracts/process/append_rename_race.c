// open(2), rename(2): a log that is appended to and rotated by several processes: no line is lost, torn or doubled.
#include "contract.h"

static int lines_of(const char *name, int *seen, int *torn)
{
	int n = 0;
	if (access(name, F_OK) != 0)
		return 0;
	char *text = get_file(name);
	for (char *save = NULL, *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save), n++) {
		int who = -1, what = -1;
		if (sscanf(l, "writer %d line %d end", &who, &what) != 2 || who < 0 || who > 3 || what < 0 || what > 49 || strstr(l, "end") == NULL)
			++*torn;
		else
			seen[who * 50 + what]++;
	}
	return n;
}

int main(void)
{
	pid_t pid[4];
	put_file("log", "");
	for (int k = 0; k < 4; k++)
		CHILD(pid[k])
		{
			for (int i = 0; i < 50; i++) {
				int fd = MUST(open("log", O_WRONLY | O_APPEND | O_CREAT, 0644));
				char line[64];
				int n = sprintf(line, "writer %d line %d end\n", k, i);
				if (i % 7 == 0)
					sched_yield();
				if (write(fd, line, n) != n)
					_exit(1);
				close(fd);
			}
		}
	int rotations = 0;
	for (int i = 0; i < 20; i++) {
		char name[16];
		sprintf(name, "log.%d", i);
		rotations += rename("log", name) == 0;
		pause_ms(1);
	}
	for (int k = 0; k < 4; k++)
		ENDED("writer", pid[k]);
	int seen[200] = { 0 }, torn = 0, total = lines_of("log", seen, &torn);
	for (int i = 0; i < 20; i++) {
		char name[16];
		sprintf(name, "log.%d", i);
		total += lines_of(name, seen, &torn);
	}
	int lost = 0, doubled = 0;
	for (int i = 0; i < 200; i++) {
		lost += seen[i] == 0;
		doubled += seen[i] > 1;
	}
	FACT("lines %d lost %d doubled %d torn %d", total, lost, doubled, torn);
	IS("rotated", rotations > 0);
}
