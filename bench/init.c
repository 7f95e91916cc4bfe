// The first process of a machine that runs benchmarks. It is the same program on every kernel, without a C library's
// loader, modules or an agent: the kernels differ, and nothing else.
//
// /bench/LIST says what to do, a line each: "boot" reports when this process began and what memory is used, "sample N" sets
// the least length of a sample in nanoseconds, "limit N" the seconds that a benchmark may take, and "run NAME [ARG]" runs
// a benchmark in a process of its own. On the console a report is a line that begins with "@kb ", whatever else kernels say:
//
//	@kb boot COUNTER USED-KIB UNAVAILABLE-KIB
//	@kb begin NAME/ARG
//	@kb end NAME/ARG ok LEAST MEDIAN
//	@kb end NAME/ARG tail MEDIAN 99% 99.9% MAXIMUM PAUSE
//	@kb end NAME/ARG fail REASON
//	@kb done
#include "bench.h"
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>

extern const struct row *const __start_rows[], *const __stop_rows[];

// say writes a report in one piece, on a line of its own.
static void say(const char *format, ...)
{
	char line[512] = "\n@kb ";
	va_list args;
	va_start(args, format);
	int n = 5 + vsnprintf(line + 5, sizeof line - 6, format, args);
	va_end(args);
	if (n > (int)sizeof line - 2)
		n = sizeof line - 2;
	line[n++] = '\n';
	write(1, line, n);
}

// counter is the processor's clock, which began when the machine did.
static uint64_t counter(void)
{
#ifdef __aarch64__
	uint64_t v;
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	return v;
#else
	return __builtin_ia32_rdtsc();
#endif
}

// used_kib is what the kernel does not count as free of the machine's memory, and as available.
static void used_kib(long total, long *used, long *unavailable)
{
	char line[128];
	long v;
	FILE *f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof line, f)) {
		if (sscanf(line, "MemFree: %ld", &v) == 1)
			*used = total - v;
		if (sscanf(line, "MemAvailable: %ld", &v) == 1)
			*unavailable = total - v;
	}
	if (f)
		fclose(f);
}

static void loopback_up(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ioctl(s, SIOCSIFFLAGS, &r);
	close(s);
}

static int order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static int order_times(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return x < y ? -1 : x > y;
}

// A kernel that stops the world for its garbage collector says how often each length of a pause has been: Kevlar does.
enum { LENGTHS = 256 };
struct pauses { double ns[LENGTHS], count[LENGTHS]; int n; };

static void read_pauses(struct pauses *p)
{
	p->n = 0;
	FILE *f = fopen("/proc/kevlar/pauses", "r");
	if (!f) {
		p->n = -1;
		return;
	}
	while (p->n < LENGTHS && fscanf(f, "%lf %lf", &p->ns[p->n], &p->count[p->n]) == 2)
		p->n++;
	fclose(f);
}

// longest_pause is that between two readings, 0 if there was none, and -1 on a kernel that does not know of them.
static double longest_pause(const struct pauses *before, const struct pauses *after)
{
	double longest = after->n < 0 ? -1 : 0;
	for (int i = 0; i < after->n; i++) {
		double count = after->count[i];
		for (int j = 0; j < before->n; j++)
			if (before->ns[j] == after->ns[i])
				count -= before->count[j];
		if (count > 0 && after->ns[i] > longest)
			longest = after->ns[i];
	}
	return longest;
}

static int64_t sample = 20000000;
static int limit = 60;

// child runs a benchmark and leaves its figures, or what went wrong, on its standard output.
static void child(const struct row *row, long arg)
{
	struct run r = {.arg = arg, .target = sample};
	char dir[] = "/tmp/bench";
	mkdir(dir, 0700);
	if (chdir(dir) == -1)
		fail(dir);
	static struct pauses before, after;
	read_pauses(&before);
	row->run(&r);
	if (r.taken > 0) {
		read_pauses(&after);
		qsort(r.times, r.taken, sizeof *r.times, order_times);
		printf("tail %.0f %.0f %.0f %.0f %.0f\n", r.times[r.taken / 2], r.times[r.taken * 99 / 100],
		       r.times[r.taken * 999 / 1000], r.times[r.taken - 1], longest_pause(&before, &after));
		fflush(stdout);
		_exit(0);
	}
	if (r.samples == 0)
		r.sample[r.samples++] = r.value;
	qsort(r.sample, r.samples, sizeof *r.sample, order);
	printf("ok %.3f %.3f\n", r.sample[0], r.sample[r.samples / 2]);
	fflush(stdout);
	_exit(0);
}

static void run(const char *name, long arg)
{
	const struct row *row = 0;
	for (const struct row *const *p = __start_rows; p < __stop_rows; p++)
		if (strcmp((*p)->name, name) == 0)
			row = *p;
	char id[80];
	snprintf(id, sizeof id, arg ? "%s/%ld" : "%s", name, arg);
	say("begin %s", id);
	if (!row) {
		say("end %s fail no such benchmark", id);
		return;
	}
	int out[2], status = 0;
	if (pipe2(out, O_CLOEXEC) == -1)
		return say("end %s fail pipe: %s", id, strerror(errno));
	pid_t pid = fork();
	if (pid == -1)
		return say("end %s fail fork: %s", id, strerror(errno));
	if (pid == 0) {
		setsid();
		dup2(out[1], 1);
		child(row, arg);
	}
	close(out[1]);
	// Its children hold the pipe too: the end is its own, or the last line's.
	char text[256] = "";
	size_t n = 0;
	int64_t deadline = now() + limit * 1000000000LL;
	int late = 0;
	while (n < sizeof text - 1 && !memchr(text, '\n', n)) {
		int64_t rest = deadline - now();
		struct pollfd p = {out[0], POLLIN, 0};
		if (rest <= 0 || poll(&p, 1, rest / 1000000 + 1) == 0) {
			late = 1;
			break;
		}
		ssize_t got = read(out[0], text + n, sizeof text - 1 - n);
		if (got <= 0)
			break;
		n += got;
	}
	close(out[0]);
	if (late || n == 0)
		kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	// What the benchmark left behind, and whoever is this process's child by now.
	kill(-pid, SIGKILL);
	while (waitpid(-1, 0, 0) > 0)
		;
	text[strcspn(text, "\n")] = 0;
	if (late)
		say("end %s fail still running after %d s", id, limit);
	else if (n == 0 && WIFSIGNALED(status))
		say("end %s fail killed by signal %d", id, WTERMSIG(status));
	else if (strncmp(text, "ok ", 3) == 0 || strncmp(text, "tail ", 5) == 0)
		say("end %s %s", id, text);
	else
		say("end %s fail %s (status %#x)", id, text, status);
}

int main(int argc, char **argv)
{
	uint64_t began = counter();
	if (argc == 2 && strcmp(argv[1], "nothing") == 0)
		return 0; // what fork_exec runs
	mount("proc", "/proc", "proc", 0, 0);
	mount("devtmpfs", "/dev", "devtmpfs", 0, 0);
	FILE *list = fopen("/bench/LIST", "r");
	char line[128], name[64];
	long n;
	while (list && fgets(line, sizeof line, list)) {
		long arg = 0;
		if (sscanf(line, "boot %ld", &n) == 1) {
			long used = -1, unavailable = -1;
			used_kib(n, &used, &unavailable);
			say("boot %llu %ld %ld", (unsigned long long)began, used, unavailable);
		} else if (sscanf(line, "sample %ld", &n) == 1)
			sample = n;
		else if (sscanf(line, "limit %ld", &n) == 1)
			limit = n;
		else if (sscanf(line, "run %63s %ld", name, &arg) >= 1) {
			loopback_up();
			// A fresh file system for each: no benchmark finds what another left.
			mount("tmpfs", "/tmp", "tmpfs", 0, 0);
			run(name, arg);
			umount2("/tmp", MNT_DETACH);
		}
	}
	say("done");
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
