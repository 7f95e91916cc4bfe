// msgsnd(2), msgrcv(2): selection by type, sizes, truncation, errors.
#include "contract.h"
#include <sys/msg.h>

struct text { long type; char text[64]; };
static int q;
static void put(long type, const char *text)
{
	struct text m = { .type = type };
	strcpy(m.text, text);
	MUST(msgsnd(q, &m, strlen(text) + 1, IPC_NOWAIT));
}
static void take(const char *name, long type, size_t room, int flags)
{
	struct text m = { 0 };
	errno = 0;
	long n = msgrcv(q, &m, room, type, flags);
	if (n < 0)
		FACT("%s: %s", name, errno_name(errno));
	else
		FACT("%s: %ld bytes, type %ld '%.*s'", name, n, m.type, (int)n, m.text);
}

int main(void)
{
	q = MUST(msgget(IPC_PRIVATE, 0600));
	put(3, "three");
	put(1, "one");
	put(2, "two");
	put(1, "one again");
	put(5, "five");
	take("any", 0, 64, IPC_NOWAIT);
	take("type 2", 2, 64, IPC_NOWAIT);
	take("at most 4, the lowest", -4, 64, IPC_NOWAIT);
	take("too small", 0, 3, IPC_NOWAIT);
	take("too small, MSG_NOERROR", 0, 3, IPC_NOWAIT | MSG_NOERROR);
	take("no such type", 9, 64, IPC_NOWAIT);
	take("other than 5", 5, 64, IPC_NOWAIT | MSG_EXCEPT);
	put(6, "six");
	take("other than 5", 5, 64, IPC_NOWAIT | MSG_EXCEPT);
	take("five", 5, 64, IPC_NOWAIT);
	take("empty", 0, 64, IPC_NOWAIT);
	struct text m = { .type = 0 };
	CALL("type 0", msgsnd(q, &m, 1, 0));
	m.type = -1;
	CALL("type -1", msgsnd(q, &m, 1, 0));
	m.type = 1;
	CALL("no text", msgsnd(q, &m, 0, 0));
	take("no text", 0, 64, 0);
	CALL("longer than allowed", msgsnd(q, &m, 8193, 0));
	CALL("bad pointer", msgsnd(q, BAD_POINTER, 1, 0));
	CALL("negative size", msgrcv(q, &m, -1, 0, IPC_NOWAIT));
	CALL("bad id", msgsnd(-1, &m, 1, 0));
	CALL("remove", msgctl(q, IPC_RMID, NULL));
	CALL("removed", msgsnd(q, &m, 1, 0));
}
