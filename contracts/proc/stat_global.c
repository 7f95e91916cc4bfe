// proc(5): /proc/stat: cpu lines, btime, processes, ctxt, as top and vmstat parse them.
#include "contract.h"

static long value(const char *key) { return atol(line_of(get_file("/proc/stat"), key)); }

int main(void)
{
	char *text = get_file("/proc/stat");
	long v[10];
	FACT("cpu line: fields %d", sscanf(text, "cpu %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld", v, v + 1, v + 2, v + 3, v + 4, v + 5,
	     v + 6, v + 7, v + 8, v + 9));
	IS("two blanks after cpu", strncmp(text, "cpu  ", 5) == 0);
	int n = 0;
	for (char *p = text; (p = strstr(p, "\ncpu")) != NULL; p++)
		n++;
	IS("a line each processor", n == sysconf(_SC_NPROCESSORS_ONLN));
	const char *keys[] = { "intr ", "ctxt ", "btime ", "processes ", "procs_running ", "procs_blocked ", "softirq " };
	for (int i = 0; i < COUNT_OF(keys); i++) {
		char name[32];
		snprintf(name, sizeof name, "\n%s", keys[i]);
		FACT("%s: %d", keys[i], strstr(text, name) != NULL);
	}
	struct timespec now, up;
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	WITHIN("btime is the time of the boot", now.tv_sec - up.tv_sec - value("btime "), -2, 2);
	long before = value("processes "), user = v[0] + v[2];
	pid_t pid;
	for (int i = 0; i < 3; i++) {
		CHILD(pid) { }
		REAP(pid);
	}
	WITHIN("three forks counted", value("processes ") - before, 3, 30);
	IS("somebody runs", value("procs_running ") >= 1);
	long switches = value("ctxt ");
	pause_ms(5);
	IS("switches are counted", value("ctxt ") > switches);
	for (long long end = now_ms() + PATIENCE * 1000; v[0] + v[2] - user < 5 && now_ms() < end;)
		sscanf(get_file("/proc/stat"), "cpu %ld %ld %ld", v, v + 1, v + 2);
	IS("time is counted", v[0] + v[2] - user >= 5);
}
