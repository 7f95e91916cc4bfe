// proc(5): smaps, smaps_rollup, oom_score_adj, oom_adj, coredump_filter, personality, io: forms and values.
#include "contract.h"

static long smaps(void *at, const char *key)
{
	char start[32];
	snprintf(start, sizeof start, "%lx-", (long)at);
	char *p = strstr(get_file("/proc/self/smaps"), start);
	return p ? atol(line_of(p, key)) : -1;
}

int main(void)
{
	char *p = mmap(NULL, 8 * page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(p + 4 * page(), page(), PROT_NONE); // a mapping of its own
	long k = page() / 1024;
	FACT("Size %ld Rss %ld", smaps(p, "Size:") / k, smaps(p, "Rss:") / k);
	p[0] = p[page()] = 1;
	FACT("touched: Rss %ld Pss %ld Private_Dirty %ld Anonymous %ld", smaps(p, "Rss:") / k, smaps(p, "Pss:") / k,
	     smaps(p, "Private_Dirty:") / k, smaps(p, "Anonymous:") / k);
	pid_t pid;
	CHILD(pid) { FACT("shared with a child: Pss %ld Private_Dirty %ld", smaps(p, "Pss:") / k, smaps(p, "Private_Dirty:") / k); }
	REAP(pid);
	mlock(p, page());
	char *line = strstr(get_file("/proc/self/smaps"), "VmFlags: ");
	IS("VmFlags", line != NULL && strncmp(line, "VmFlags: rd ", 12) == 0);
	IS("rollup", strstr(get_file("/proc/self/smaps_rollup"), "[rollup]") != NULL);
	FACT("oom_score_adj %s", strtok(get_file("/proc/self/oom_score_adj"), "\n"));
	int fd = open("/proc/self/oom_score_adj", O_RDWR);
	CALL("set", write(fd, "-500", 4));
	CALL("too low", write(fd, "-1001", 5));
	CALL("no number", write(fd, "x", 1));
	FACT("oom_score_adj %s", strtok(get_file("/proc/self/oom_score_adj"), "\n"));
	CHILD(pid)
	{
		FACT("inherited %s", strtok(get_file("/proc/self/oom_score_adj"), "\n"));
		setuid(1000);
		prctl(PR_SET_DUMPABLE, 1);
		int own = open("/proc/self/oom_score_adj", O_RDWR);
		CALL("a user raises", write(own, "100", 3));
		CALL("and lowers", write(own, "-600", 4));
	}
	REAP(pid);
	FACT("coredump_filter %s", strtok(get_file("/proc/self/coredump_filter"), "\n"));
	FACT("personality %s", strtok(get_file("/proc/self/personality"), "\n"));
	FACT("sessionid and loginuid: %s %s", strdup(get_file("/proc/self/sessionid")), get_file("/proc/self/loginuid"));
	char *io = get_file("/proc/self/io");
	IS("io", strstr(io, "rchar: ") == io && strstr(io, "\nwrite_bytes: ") != NULL);
}
