// proc(5): /proc/self/limits: the table as programs parse it, and that setrlimit shows.
#include "contract.h"

int main(void)
{
	struct rlimit r = { 10, 20 };
	setrlimit(RLIMIT_CORE, &r);
	r = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	setrlimit(RLIMIT_CPU, &r);
	setrlimit(RLIMIT_STACK, &(struct rlimit){ 8 << 20, RLIM_INFINITY });
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 100, 200 });
	setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ 65536, 65536 });
	setrlimit(RLIMIT_NPROC, &(struct rlimit){ 1000, 2000 });
	setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){ 1000, 2000 });
	char *text = get_file("/proc/self/limits");
	for (char *save = NULL, *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		FACT("%s|", l);
	pid_t pid;
	CHILD(pid) { pause(); }
	asleep(pid);
	MUST(prlimit(pid, RLIMIT_NOFILE, &(struct rlimit){ 50, 60 }, NULL));
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/limits", pid);
	FACT("the child's %s|", line_of(get_file(path), "Max open files"));
	kill(pid, SIGKILL);
	REAP(pid);
}
