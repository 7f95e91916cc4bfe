// proc(5): status and stat: the fields that programs parse.
#include "contract.h"

int main(void)
{
	block(SIGUSR1);
	signal(SIGUSR2, SIG_IGN);
	note_signal(SIGHUP, 0);
	raise(SIGUSR1);
	static char t[65536];
	strcpy(t, get_file("/proc/self/status"));
	FACT("Name %s", line_of(t, "Name:"));
	FACT("State %s", line_of(t, "State:"));
	IS("Pid", atoi(line_of(t, "Pid:")) == getpid());
	IS("PPid", atoi(line_of(t, "PPid:")) == getppid());
	FACT("Uid %s", line_of(t, "Uid:"));
	FACT("Threads %s", line_of(t, "Threads:"));
	FACT("SigBlk %s", line_of(t, "SigBlk:"));
	FACT("SigIgn %s", line_of(t, "SigIgn:"));
	FACT("SigCgt %s", line_of(t, "SigCgt:"));
	FACT("ShdPnd %s SigPnd ", line_of(t, "ShdPnd:"));
	IS("VmRSS in kB", strstr(line_of(t, "VmRSS:"), " kB") != NULL);
	FACT("NoNewPrivs %s", line_of(t, "NoNewPrivs:"));
	FACT("CapEff %s", line_of(t, "CapEff:"));
	strcpy(t, get_file("/proc/self/stat"));
	int pid, ppid, pgrp, session, tty;
	char state;
	sscanf(strrchr(t, ')') + 2, "%c %d %d %d %d", &state, &ppid, &pgrp, &session, &tty);
	FACT("state %c ppid %d pgrp %d session %d tty %d", state, ppid == getppid(), pgrp == getpgrp(), session == getsid(0), tty);
	int fields = 1;
	for (char *p = strrchr(t, ')'); *p; p++)
		fields += *p == ' ';
	FACT("fields %d", fields + 1);
	int n[7], c = sscanf(get_file("/proc/self/statm"), "%d %d %d %d %d %d %d", n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6);
	FACT("statm fields %d", c);
}
