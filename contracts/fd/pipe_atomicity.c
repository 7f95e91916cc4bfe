// pipe(7): writes of at most PIPE_BUF bytes are never mixed.
#include "contract.h"

int main(void)
{
	enum { WRITERS = 4, EACH = 50, SIZE = 500 };
	int p[2];
	pipe(p);
	for (int w = 0; w < WRITERS; w++)
		if (fork() == 0) {
			char m[SIZE];
			memset(m, 'a' + w, SIZE);
			for (int i = 0; i < EACH; i++)
				write(p[1], m, SIZE);
			_exit(0);
		}
	close(p[1]);
	FILE *f = fdopen(p[0], "r");
	char m[SIZE];
	int whole = 0, mixed = 0, count[WRITERS] = { 0 };
	while (fread(m, 1, SIZE, f) == SIZE) {
		int same = 1;
		for (int i = 1; i < SIZE; i++)
			same &= m[i] == m[0];
		same ? whole++ : mixed++;
		count[m[0] - 'a']++;
	}
	FACT("whole %d mixed %d", whole, mixed);
	for (int w = 0; w < WRITERS; w++)
		FACT("writer %d: %d", w, count[w]);
	while (wait(NULL) > 0)
		;
}
