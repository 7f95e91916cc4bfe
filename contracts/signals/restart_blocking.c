// signal(7): calls that are restarted with SA_RESTART: wait, futex, flock, fcntl F_SETLKW, open of a fifo.
#include "contract.h"

static pid_t parent;
// helper interrupts the parent once it sleeps, and lets it go on afterwards.
static pid_t helper(void (*release)(void))
{
	parent = getpid();
	pid_t pid = fork();
	if (pid == 0) {
		asleep(parent);
		kill(parent, SIGUSR1);
		asleep(parent);
		pause_ms(5);
		release();
		_exit(0);
	}
	return pid;
}
static _Atomic int *word;
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
	note_signal(SIGUSR1, SA_RESTART);
	word = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
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
	FACT("handled %d", got[SIGUSR1]);
}
