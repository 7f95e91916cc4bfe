// sched(7): a process that never calls the kernel does not keep others from running; sleepers wake beside spinners.
#include "contract.h"

static volatile int *stop;
static pid_t spinner(void)
{
	pid_t pid;
	CHILD(pid)
	{
		while (!*stop)
			;
	}
	return pid;
}
static void *spin_thread(void *arg)
{
	while (!*stop)
		;
	return NULL;
}

int main(void)
{
	stop = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[6];
	for (int i = 0; i < 6; i++)
		pid[i] = spinner();
	pthread_t t = THREAD(spin_thread, NULL);
	long long start = now_ms();
	int woke = 0;
	for (int i = 0; i < 5; i++) {
		pause_ms(2);
		woke++;
	}
	FACT("a sleeper woke %d times beside seven spinners", woke);
	WITHIN("in", now_ms() - start, 10, 2 * PATIENCE * 1000);
	int a[2], b[2];
	pipe(a);
	pipe(b);
	pid_t echo;
	CHILD(echo)
	{
		char c;
		while (read(a[0], &c, 1) == 1 && c != 'q')
			write(b[1], &c, 1);
	}
	start = now_ms();
	int answered = 0;
	for (int i = 0; i < 10; i++) {
		char c = 'x', d = 0;
		write(a[1], &c, 1);
		answered += read(b[0], &d, 1) == 1 && d == 'x';
	}
	write(a[1], "q", 1);
	FACT("answers of another process %d", answered);
	WITHIN("in", now_ms() - start, 0, 2 * PATIENCE * 1000);
	REAP(echo);
	CALL("kill a spinner", kill(pid[0], SIGKILL));
	ENDED("it", pid[0]);
	CALL("stop a spinner", kill(pid[1], SIGSTOP));
	int status;
	waitpid(pid[1], &status, WUNTRACED);
	SAY_STATUS("it", status);
	struct rusage before, after;
	*stop = 1;
	kill(pid[1], SIGCONT);
	for (int i = 1; i < 6; i++)
		ENDED("spinner", pid[i]);
	JOIN(t);
	getrusage(RUSAGE_CHILDREN, &after);
	IS("their time was counted", after.ru_utime.tv_sec * 1000000 + after.ru_utime.tv_usec > 5000);
	IS("switches of both kinds", ({ getrusage(RUSAGE_SELF, &before); before.ru_nvcsw >= 5; }));
}
