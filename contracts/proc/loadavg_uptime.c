// proc(5): /proc/loadavg, /proc/uptime, /proc/version, /proc/cmdline: their forms.
#include "contract.h"

int main(void)
{
	double a, b, c, up, idle;
	int running, all, last, used = 0;
	char *text = get_file("/proc/loadavg");
	FACT("fields %d", sscanf(text, "%lf %lf %lf %d/%d %d%n", &a, &b, &c, &running, &all, &last, &used));
	FACT("then a newline: %d, the end: %d", text[used] == '\n', text[used + 1] == 0);
	int digits = 0;
	for (char *p = strchr(text, '.') + 1; *p >= '0' && *p <= '9'; p++)
		digits++;
	FACT("decimals %d", digits);
	IS("sane", a >= 0 && running >= 1 && all >= running && last >= getpid());
	pid_t pid;
	CHILD(pid) { }
	REAP(pid);
	sscanf(get_file("/proc/loadavg"), "%lf %lf %lf %d/%d %d", &a, &b, &c, &running, &all, &last);
	IS("the last process id", last >= pid && last < pid + 10);
	text = get_file("/proc/uptime");
	FACT("uptime: fields %d", sscanf(text, "%lf %lf%n", &up, &idle, &used));
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	IS("agrees with CLOCK_BOOTTIME", t.tv_sec + t.tv_nsec / 1e9 - up < PATIENCE && t.tv_sec + t.tv_nsec / 1e9 - up > -0.02);
	FACT("two decimals: %d", strchr(text, '.')[3] == ' ');
	text = get_file("/proc/version");
	struct utsname u;
	uname(&u);
	char start[256];
	snprintf(start, sizeof start, "%s version %s (", u.sysname, u.release);
	IS("version starts as uname says", strncmp(text, start, strlen(start)) == 0);
	IS("and ends with uname's version", strstr(text, u.version) != NULL && text[strlen(text) - 1] == '\n');
	text = get_file("/proc/cmdline");
	IS("cmdline is one line", strchr(text, '\n') == text + strlen(text) - 1);
	IS("with panic=-1 in it", strstr(text, "panic=-1") != NULL);
}
