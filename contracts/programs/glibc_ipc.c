// sem_open(3), shm_open(3), mq_open(3), shmget(2): Debian's C library's IPC between processes.
// libc: glibc
#include "contract.h"
#include <mqueue.h>
#include <semaphore.h>
#include <sys/sem.h>
#include <sys/shm.h>

int main(void)
{
	sem_t *s = sem_open("/glibc", O_CREAT | O_EXCL, 0600, 0);
	IS("sem_open", s != SEM_FAILED);
	struct stat st;
	CALL("its file", stat("/dev/shm/sem.glibc", &st));
	FACT("size %d mode %o", (int)st.st_size, st.st_mode & 0777);
	pid_t pid = LATER(({ sem_t *mine = sem_open("/glibc", 0); sem_wait(mine); }));
	CALL("post", sem_post(s));
	CAME("the waiter", pid);
	CALL("trywait", sem_trywait(s));
	struct timespec t = { 1, 0 };
	CALL("timedwait", sem_timedwait(s, &t));
	CALL("unlink", sem_unlink("/glibc"));
	int fd = shm_open("/glibc", O_CREAT | O_RDWR, 0600);
	ftruncate(fd, page());
	pthread_mutex_t *m = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pthread_mutexattr_t a;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(m, &a);
	CHILD(pid)
	{
		pthread_mutex_lock(m);
		_exit(0);
	}
	REAP(pid);
	ERR("the owner died", pthread_mutex_lock(m));
	ERR("consistent", pthread_mutex_consistent(m));
	ERR("unlock", pthread_mutex_unlock(m));
	shm_unlink("/glibc");
	struct mq_attr qa = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	mqd_t q = mq_open("/glibc", O_CREAT | O_RDWR, 0600, &qa);
	char b[8];
	pid = LATER(mq_receive(q, b, 8, NULL));
	CALL("mq_send", mq_send(q, "hello", 5, 1));
	CAME("mq_receive", pid);
	mq_unlink("/glibc");
	int id = shmget(IPC_PRIVATE, 4096, 0600), sem = semget(IPC_PRIVATE, 1, 0600);
	int *p = shmat(id, NULL, 0);
	CHILD(pid)
	{
		*p = 5;
		struct sembuf up = { 0, 1, 0 };
		semop(sem, &up, 1);
	}
	struct sembuf down = { 0, -1, 0 };
	CALL("semop", semop(sem, &down, 1));
	FACT("shared %d", *p);
	REAP(pid);
	shmctl(id, IPC_RMID, NULL);
	semctl(sem, 0, IPC_RMID);
}
