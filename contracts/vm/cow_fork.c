// fork(2): copy-on-write in both directions, through system calls too, with read-only parents and grandchildren.
#include "contract.h"

int main(void)
{
	size_t n = page();
	char *m = pages(3, PROT_READ | PROT_WRITE);
	m[0] = m[n] = 'p';
	mprotect(m + n, n, PROT_READ);
	int fds[2];
	pipe(fds);
	struct gate go = gate_new();
	pid_t pid;
	CHILD(pid)
	{
		mprotect(m + n, n, PROT_READ | PROT_WRITE);
		m[n] = 'c';
		gate_wait(go);
		FACT("child sees %c %c", m[0], m[n]);
		write(fds[1], "k", 1);
		read(fds[0], m + 2 * n, 1);
		pid_t inner;
		CHILD(inner)
		{
			m[2 * n] = 'g';
			FACT("grandchild %c %c %c", m[0], m[n], m[2 * n]);
		}
		REAP(inner);
		FACT("child keeps %c", m[2 * n]);
	}
	m[0] = 'q';
	gate_open(go);
	REAP(pid);
	FACT("parent keeps %c %c %d", m[0], m[n], m[2 * n]);
	int same = 0;
	for (int i = 0; i < 50; i++) {
		CHILD(pid) { m[0] = 'x'; }
		REAP(pid);
		m[0] = 'a' + i % 26;
		same += m[0] == 'a' + i % 26;
	}
	FACT("%d of 50 rounds right", same);
}
