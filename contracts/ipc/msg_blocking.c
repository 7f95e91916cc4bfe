// msgsnd(2), msgrcv(2), msgctl(2): waiting for a message of a type, for room, the queue's removal; IPC_STAT.
#include "contract.h"
#include <sys/msg.h>

struct text { long type; char text[1024]; };
static int q;

int main(void)
{
	q = MUST(msgget(0x4d5347, IPC_CREAT | 0600));
	IS("the same key", msgget(0x4d5347, 0) == q);
	struct text m = { .type = 1 };
	pid_t seven = LATER(msgrcv(q, &m, 1024, 7, 0));
	msgsnd(q, &m, 10, 0);
	asleep(seven);
	m.type = 7;
	msgsnd(q, &m, 20, 0);
	CAME("waits for type 7", seven);
	struct msqid_ds d;
	CALL("IPC_STAT", msgctl(q, IPC_STAT, &d));
	FACT("messages %d of %d bytes, mode %o", (int)d.msg_qnum, (int)d.msg_qbytes, d.msg_perm.mode);
	IS("last sender and receiver", d.msg_lspid == getpid() && d.msg_lrpid == seven);
	d.msg_qbytes = 2000;
	CALL("IPC_SET", msgctl(q, IPC_SET, &d));
	m.type = 1;
	CALL("one fits", msgsnd(q, &m, 1024, IPC_NOWAIT));
	CALL("the next does not", msgsnd(q, &m, 1024, IPC_NOWAIT));
	pid_t sender = LATER(msgsnd(q, &m, 1024, 0));
	CALL("make room", msgrcv(q, &m, 1024, 0, 0));
	CALL("make more", msgrcv(q, &m, 1024, 0, 0));
	CAME("sender", sender);
	CALL("the sent one", msgrcv(q, &m, 1024, 0, IPC_NOWAIT));
	pid_t interrupted;
	CHILD(interrupted)
	{
		note_signal(SIGUSR1, SA_RESTART);
		CALL("a signal, SA_RESTART", msgrcv(q, &m, 1024, 0, 0));
	}
	asleep(interrupted);
	kill(interrupted, SIGUSR1);
	REAP(interrupted);
	pid_t removed = LATER(msgrcv(q, &m, 1024, 0, 0));
	msgctl(q, IPC_RMID, NULL);
	CAME("removed", removed);
}
