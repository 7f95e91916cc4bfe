// wait4(2), getrusage(2): the times of an ended child, and RUSAGE_CHILDREN only counts reaped ones.
#include "contract.h"

static long long micros(struct timeval t) { return t.tv_sec * 1000000LL + t.tv_usec; }

int main(void)
{
	struct rusage u, before;
	pid_t pid;
	getrusage(RUSAGE_CHILDREN, &before);
	IS("no child yet", micros(before.ru_utime) == 0);
	CHILD(pid)
	{
		struct timespec t;
		do
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
		while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < 60);
	}
	siginfo_t i;
	waitid(P_PID, pid, &i, WEXITED | WNOWAIT);
	getrusage(RUSAGE_CHILDREN, &u);
	IS("not counted before it is reaped", micros(u.ru_utime) + micros(u.ru_stime) == 0);
	IS("wait4", wait4(pid, NULL, 0, &u) == pid);
	WITHIN("its time", micros(u.ru_utime) + micros(u.ru_stime), 40000, 20000000);
	getrusage(RUSAGE_CHILDREN, &before);
	IS("RUSAGE_CHILDREN has it now", micros(before.ru_utime) + micros(before.ru_stime) >= 40000);
	CALL("bad who", getrusage(17, &u));
	CALL("bad address", syscall(SYS_getrusage, RUSAGE_SELF, BAD_POINTER));
	CALL("RUSAGE_THREAD", getrusage(1, &u));
}
