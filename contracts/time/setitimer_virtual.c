// setitimer(2): ITIMER_VIRTUAL counts only time that runs, ITIMER_PROF the system's too.
#include "contract.h"

int main(void)
{
	note_signal(SIGVTALRM, 0);
	note_signal(SIGPROF, 0);
	struct itimerval t = { .it_value = { 0, 100000 } };
	CALL("virtual", setitimer(ITIMER_VIRTUAL, &t, NULL));
	pause_ms(60);
	FACT("after sleeping: %d", got[SIGVTALRM]);
	long long end = now_ms() + PATIENCE * 1000;
	for (volatile long i = 0; !got[SIGVTALRM]; i++)
		if (i % 100000 == 0 && now_ms() > end)
			break;
	FACT("after running: %d", got[SIGVTALRM]);
	CALL("prof", setitimer(ITIMER_PROF, &t, NULL));
	while (!got[SIGPROF] && now_ms() < end)
		;
	FACT("after system calls: %d", got[SIGPROF]);
}
