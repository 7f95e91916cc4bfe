// proc(5): /proc/self/stat: the fields by their numbers, as ps and top parse them.
#include "contract.h"

static char text[1024];
static long field(int n)
{
	char *p = strrchr(text, ')') + 2;
	for (int i = 3; i < n; i++)
		p = strchr(p, ' ') + 1;
	return atol(p);
}
static void load(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	strncpy(text, get_file(path), sizeof text - 1);
}

int main(void)
{
	prctl(PR_SET_NAME, "a b) c");
	load(getpid());
	IS("pid", atoi(text) == getpid());
	FACT("name %.*s", (int)(strrchr(text, ')') - strchr(text, '(') + 1), strchr(text, '('));
	FACT("state %c", strrchr(text, ')')[2]);
	IS("parent, group, session", field(4) == getppid() && field(5) == getpgrp() && field(6) == getsid(0));
	FACT("terminal %ld, its group %ld", field(7), field(8));
	FACT("priority %ld nice %ld threads %ld", field(18), field(19), field(20));
	FACT("signal on exit %ld", field(38));
	FACT("realtime priority %ld policy %ld", field(40), field(41));
	IS("virtual size and resident pages", field(23) > (long)page() && field(24) > 0 && field(24) * (long)page() < field(23));
	int spaces = 0;
	for (char *p = strrchr(text, ')'); *p; p++)
		spaces += *p == ' ';
	FACT("fields %d, ends a line: %d", spaces + 2, text[strlen(text) - 1] == '\n');
	setpriority(PRIO_PROCESS, 0, 5);
	load(getpid());
	FACT("niced: priority %ld nice %ld", field(18), field(19));
	pid_t pid;
	CHILD(pid) { pause(); }
	asleep(pid);
	load(pid);
	FACT("sleeping child: %c, parent is us %d", strrchr(text, ')')[2], field(4) == getpid());
	IS("started not before us", ({ long s = field(22); load(getpid()); s >= field(22); }));
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	load(pid);
	FACT("stopped: %c", strrchr(text, ')')[2]);
	kill(pid, SIGKILL);
	EVENTUALLY(({ load(pid); strrchr(text, ')')[2] == 'Z'; }));
	FACT("zombie: %c, size %ld", strrchr(text, ')')[2], field(23));
	REAP(pid);
	load(pid);
	FACT("reaped: %s", text);
	// What it has run, not what time it is: others may have run meanwhile.
	struct timespec ran;
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ran);
	while (ran.tv_sec == 0 && ran.tv_nsec < 60000000);
	load(getpid());
	IS("user time counts ticks", field(14) + field(15) >= 3);
}
