// execve(2): while other threads are blocked in every way there is: they end, locks and files stay, the new program is alone.
#include "contract.h"

static int p[2], s[2], lockfd;
static _Atomic pid_t tids[8];
static _Atomic int word;
static void *blocked(void *arg)
{
	long k = (long)arg;
	char c;
	tids[k] = thread_id();
	switch (k) {
	case 0: read(p[0], &c, 1); break;
	case 1: syscall(SYS_futex, &word, 128, 0, NULL, NULL, 0); break;
	case 2: poll(&(struct pollfd){ p[0], POLLIN, 0 }, 1, -1); break;
	case 3: pause(); break;
	case 4: recv(s[0], &c, 1, 0); break;
	case 5: nanosleep(&(struct timespec){ 1000, 0 }, NULL); break;
	case 6: flock(lockfd, LOCK_EX); break;
	case 7: waitpid(-1, NULL, 0); break;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		char *t = get_file("/proc/self/status");
		FACT("threads %s, id %d", line_of(t, "Threads:"), getpid() == atoi(argv[1]));
		IS("the child is still ours", waitpid(-1, NULL, WNOHANG) == 0);
		char b[8] = "";
		CALL("the pipe is as it was", ({ write(atoi(argv[2]) + 1, "ab", 2); read(atoi(argv[2]), b, 8); }));
		kill(0, 0);
		return 6;
	}
	pipe(p);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s);
	lockfd = open("lock", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	int holder = open("lock", O_RDWR | O_CLOEXEC);
	flock(holder, LOCK_EX);
	pid_t pid;
	CHILD(pid)
	{
		pid_t idle = fork();
		if (idle == 0) {
			pause();
			_exit(0);
		}
		for (long k = 0; k < 8; k++) {
			THREAD(blocked, (void *)k);
			EVENTUALLY(tids[k] != 0);
		}
		for (int k = 0; k < 8; k++)
			asleep(tids[k]);
		char self[16], fd[16];
		sprintf(self, "%d", getpid());
		sprintf(fd, "%d", p[0]);
		execl("/proc/self/exe", "x", self, fd, NULL);
	}
	ENDED("program", pid);
	CALL("its lock's waiter is gone: unlock and lock", flock(holder, LOCK_UN) + flock(open("lock", O_RDWR), LOCK_EX | LOCK_NB));
}
