// signal(7): calls that are never restarted, even with SA_RESTART: poll, select, epoll_wait, nanosleep, sigtimedwait,
// msgrcv, semop and the like.
#include "contract.h"
#include <sys/msg.h>
#include <sys/sem.h>

static void interrupt_soon(void)
{
	pid_t parent = getpid();
	if (fork() == 0) {
		asleep(parent);
		kill(parent, SIGUSR1);
		_exit(0);
	}
}
#define TRY(name, expr)           \
	do {                      \
		interrupt_soon(); \
		CALL(name, expr); \
		while (waitpid(-1, NULL, 0) == -1 && errno == EINTR) \
			;         \
	} while (0)

int main(void)
{
	note_signal(SIGUSR1, SA_RESTART);
	struct pollfd none;
	struct timespec t = { PATIENCE, 0 }, left = { 0 };
	struct timeval tv = { PATIENCE, 0 };
	struct epoll_event e;
	int ep = epoll_create1(0);
	TRY("poll", poll(&none, 0, PATIENCE * 1000));
	TRY("ppoll", ppoll(&none, 0, &t, NULL));
	TRY("select", select(0, NULL, NULL, NULL, &tv));
	TRY("epoll_wait", epoll_wait(ep, &e, 1, PATIENCE * 1000));
	TRY("nanosleep", nanosleep(&t, &left));
	IS("the rest of the time is told", left.tv_sec > 0 && left.tv_sec < PATIENCE);
	TRY("clock_nanosleep", (errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL)) ? -1 : 0);
	sigset_t s = set_of(SIGUSR2);
	TRY("sigtimedwait", syscall(SYS_rt_sigtimedwait, &s, NULL, &t, 8));
	int q = msgget(IPC_PRIVATE, 0600);
	if (q >= 0) {
		char m[32];
		TRY("msgrcv", msgrcv(q, m, 8, 0, 0));
		msgctl(q, IPC_RMID, NULL);
		int sem = semget(IPC_PRIVATE, 1, 0600);
		struct sembuf b = { 0, -1, 0 };
		TRY("semop", semop(sem, &b, 1));
		semctl(sem, 0, IPC_RMID);
	}
}
