// signal(7): calls that are restarted with SA_RESTART: wait, futex, flock, fcntl F_SETLKW, open of a fifo.
#include "contract.h"

static pid_t parent;
static _Atomic int *word, *handled;
static void count(int sig) { ++*handled; }
// helper interrupts the parent once it sleeps, and lets it go on afterwards.
static pid_t helper(void (*release)(void))
{
	parent = getpid();
	int before = *handled;
	pid_t pid = fork();
	if (pid == 0) {
		asleep(parent);
		kill(parent, SIGUSR1);
		EVENTUALLY(*handled > before);
		asleep(parent);
		release();
		_exit(0);
	}
	return pid;
}
static void wake(void)
{
	*word = 1;
	syscall(SYS_futex, word, 1, 1, NULL, NULL, 0);
}
static void open_fifo(void) { close(open("fifo", O_WRONLY)); }
static void nothing(void) {}
static int locked;
static void unlock(void) { flock(locked, LOCK_UN); }

int main(void)
{
	on_signal(SIGUSR1, count, SA_RESTART);
	word = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	handled = word + 1;
	pid_t pid = helper(nothing);
	IS("waitpid", waitpid(pid, NULL, 0) == pid);
	pid = helper(wake);
	CALL("futex", syscall(SYS_futex, word, 0, 0, NULL, NULL, 0));
	REAP(pid);
	mkfifo("fifo", 0600);
	pid = helper(open_fifo);
	IS("open of a fifo", open("fifo", O_RDONLY) >= 0);
	REAP(pid);
	locked = open("lock", O_RDWR | O_CREAT, 0600);
	int other = open("lock", O_RDWR);
	flock(locked, LOCK_EX);
	pid = helper(unlock);
	CALL("flock", flock(other, LOCK_EX));
	REAP(pid);
	FACT("handled %d", *handled);
}
