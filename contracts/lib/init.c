// The first process of a machine that runs contracts: it starts each in a session, process group and directory of its
// own, and reports what it printed and how it ended. /contracts/LIST names the work: the first line is the way of the
// records ("port": the virtio port kevlar.contracts, "stdout": the standard output, "serial": marked lines on the console);
// each other line has a contract's number, its program, user, time limit in seconds and "tty" or "-". Where there is a file
// /contracts/TRACER, its words are the command of a strace, which then traces each contract.
//
// Records: "begin N", "out N LENGTH" followed by as many bytes, "late N" where the time is over, "trace N LENGTH" followed by
// what strace wrote, "end N exit|signal|timeout VALUE MICROSECONDS", and "done". On the console a record is a line
// "@kc:CRC32 RECORD", and the bytes are hexadecimal digits at its end. After "late" on the standard output the contract
// stays as it is for a while, until a line comes on the standard input, so that the host can look at it.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int port = -1;

static void send_all(const char *data, size_t n)
{
	while (n > 0) {
		ssize_t w = write(port, data, n);
		if (w > 0) {
			data += w;
			n -= w;
		} else if (w < 0 && errno != EINTR && errno != EAGAIN)
			return;
	}
}

static int serial; // records are marked lines

// crc32 is the checksum of IEEE 802.3, a bit at a time.
static unsigned crc32(const char *data, size_t n)
{
	unsigned crc = ~0u;
	while (n-- > 0) {
		crc ^= (unsigned char)*data++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

// record sends a record: a line, and bytes that belong to it.
static void record(const char *line, const char *data, size_t n)
{
	char out[64 + 512 + 2 * 512];
	if (!serial) {
		send_all(line, strlen(line));
		send_all("\n", 1);
		send_all(data, n);
		return;
	}
	char text[512 + 2 * 512];
	int length = snprintf(text, 512, "%s", line);
	if (n > 0)
		text[length++] = ' ';
	for (size_t i = 0; i < n; i++)
		length += sprintf(text + length, "%02x", (unsigned char)data[i]);
	// In one write, and on a line of its own, so that little of the kernel's own comes between.
	int all = snprintf(out, sizeof out, "\n@kc:%08x %.*s\n", crc32(text, length), length, text);
	send_all(out, all);
}

static void say(const char *format, ...)
{
	char line[512];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	record(line, "", 0);
}

// say_bytes reports bytes: "out" are those that a contract printed.
static void say_bytes(const char *what, int number, const char *data, size_t n)
{
	const size_t most = serial ? 512 : 4096;
	while (n > 0) {
		char line[64];
		size_t part = n < most ? n : most;
		snprintf(line, sizeof line, "%s %d %zu", what, number, part);
		record(line, data, part);
		data += part;
		n -= part;
	}
}

static void try_mount(const char *type, const char *where, const char *options)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, options) == -1 && errno != EBUSY)
		fprintf(stderr, "init: mount %s: %s\n", where, strerror(errno));
}

// loopback_up lets the contracts of TCP and UDP talk to themselves.
static void loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0 || ioctl(s, SIOCSIFFLAGS, &r) == -1)
		fprintf(stderr, "init: lo: %s\n", strerror(errno));
	close(s);
}

static void load_modules(void)
{
	struct dirent **names;
	int n = scandir("/modules", &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char path[300];
		snprintf(path, sizeof path, "/modules/%s", names[i]->d_name);
		int fd = names[i]->d_name[0] == '.' ? -1 : open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && syscall(SYS_finit_module, fd, "", 0) == -1)
			fprintf(stderr, "init: %s: %s\n", path, strerror(errno));
		close(fd);
	}
}

// open_port finds the port by its name, waiting for the device to appear.
static int open_port(void)
{
	for (int tries = 0; tries < 200; tries++) {
		int fd = open("/dev/virtio-ports/kevlar.contracts", O_RDWR | O_CLOEXEC);
		DIR *d = fd >= 0 ? NULL : opendir("/sys/class/virtio-ports");
		for (struct dirent *e; d != NULL && fd < 0 && (e = readdir(d)) != NULL;) {
			char path[300], name[64] = "";
			snprintf(path, sizeof path, "/sys/class/virtio-ports/%s/name", e->d_name);
			int f = open(path, O_RDONLY | O_CLOEXEC);
			if (f >= 0 && read(f, name, sizeof name - 1) > 0 && strncmp(name, "kevlar.contracts", 16) == 0) {
				snprintf(path, sizeof path, "/dev/%s", e->d_name);
				fd = open(path, O_RDWR | O_CLOEXEC);
			}
			close(f);
		}
		if (d != NULL)
			closedir(d);
		if (fd >= 0)
			return fd;
		struct timespec t = { 0, 10000000 };
		nanosleep(&t, NULL);
	}
	return -1;
}

static long long now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static int host_answers;   // "late" has an answer
static char *tracer[32];  // the command of a strace and its flags, with room for what follows
static int tracer_words;

// trace_file is where strace writes.
static const char *trace_file(int number)
{
	static char path[64];
	snprintf(path, sizeof path, "/tmp/strace.%d", number);
	return path;
}

// load_tracer reads the command of a strace. Its words become the contract's parent's grandchild, not its parent (-D), in a
// session of its own: the contract must not notice.
static void load_tracer(void)
{
	static char text[1024];
	FILE *f = fopen("/contracts/TRACER", "re");
	if (f == NULL)
		return;
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	for (char *w = strtok(text, " \n"); w != NULL && tracer_words < 16; w = strtok(NULL, " \n"))
		tracer[tracer_words++] = w;
	tracer[tracer_words++] = "-DDD";
	tracer[tracer_words++] = "-f";
	tracer[tracer_words++] = "-s256"; // as much of a buffer as Kevlar's tracer is told to record
	tracer[tracer_words++] = "-o";
}

// end_trace waits until strace has ended, and reports what it wrote.
static void end_trace(int number)
{
	for (int tries = 0; tries < 3000; tries++) {
		struct timespec t = { 0, 1000000 };
		if (waitpid(-1, NULL, WNOHANG) == -1)
			break;
		nanosleep(&t, NULL);
	}
	char data[4096];
	int fd = open(trace_file(number), O_RDONLY | O_CLOEXEC);
	for (ssize_t n; fd >= 0 && (n = read(fd, data, sizeof data)) > 0;)
		say_bytes("trace", number, data, n);
	close(fd);
	unlink(trace_file(number));
}

// become is the child's side: everything that a contract finds around it.
static void become(int number, const char *program, int uid, int out, int tty, const char *dir)
{
	setsid();
	if (chdir(dir) == -1)
		fprintf(stderr, "init: chdir %s: %s\n", dir, strerror(errno));
	int in = -1;
	if (tty) {
		int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), n = 0, unlock = 0;
		char name[40];
		ioctl(master, TIOCSPTLCK, &unlock);
		ioctl(master, TIOCGPTN, &n);
		snprintf(name, sizeof name, "/dev/pts/%d", n);
		in = open(name, O_RDWR);
		ioctl(in, TIOCSCTTY, 0);
		dup2(master, 9); // the contract's other end of its terminal
	} else
		in = open("/dev/null", O_RDONLY);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	for (int fd = 3; fd < 64; fd++)
		if (!(tty && fd == 9))
			close(fd);
	signal(SIGPIPE, SIG_DFL);
	umask(022);
	if (uid != 0) {
		gid_t gid = uid;
		setgroups(1, &gid);
		setresgid(uid, uid, uid);
		setresuid(uid, uid, uid);
	}
	char *argv[] = { (char *)program, NULL };
	char *env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "LANG=C", NULL };
	if (tracer_words > 0) {
		int n = tracer_words;
		tracer[n++] = (char *)trace_file(number);
		tracer[n++] = "--";
		tracer[n++] = (char *)program;
		execve(tracer[0], tracer, env);
	}
	execve(program, argv, env);
	dprintf(2, "init: %s: %s\n", program, strerror(errno));
	_exit(127);
}

static void run(int number, const char *program, int uid, int limit, int tty)
{
	char dir[64];
	mkdir("/tmp/contracts", 0755);
	snprintf(dir, sizeof dir, "/tmp/contracts/%d", number);
	mkdir(dir, 0755);
	chmod(dir, 0755);
	chown(dir, uid, uid);
	int out[2], status = 0;
	say("begin %d", number);
	if (pipe2(out, O_CLOEXEC) == -1) {
		say("end %d exit 126 0", number);
		return;
	}
	long long start = now_us(), end = start + limit * 1000000LL;
	pid_t pid = fork();
	if (pid == 0)
		become(number, program, uid, out[1], tty, dir);
	close(out[1]);
	int ended = 0, late = 0;
	char data[4096];
	// Ends with the contract, not with the last process that holds the pipe: after the end only what is there is read.
	for (;;) {
		struct pollfd p = { out[0], POLLIN, 0 };
		int n = poll(&p, 1, ended ? 0 : 5);
		if (n > 0) {
			ssize_t r = read(out[0], data, sizeof data);
			if (r > 0) {
				say_bytes("out", number, data, r);
				continue;
			}
			if (!ended) { // closed early: wait for the end without reading
				struct timespec t = { 0, 1000000 };
				nanosleep(&t, NULL);
			}
		}
		if (ended)
			break;
		if (waitpid(pid, &status, WNOHANG) == pid) {
			ended = 1;
		} else if (now_us() > end) {
			late = 1;
			say("late %d", number);
			struct pollfd host = { 0, POLLIN, 0 };
			if (host_answers && poll(&host, 1, 3000) == 1)
				read(0, data, sizeof data);
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			ended = 1;
		}
	}
	long long took = now_us() - start;
	close(out[0]);
	kill(-pid, SIGKILL);
	if (tracer_words > 0)
		end_trace(number);
	// What the contract left behind, in whatever session, is a child of ours or will be: this machine runs nothing else.
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	if (late)
		say("end %d timeout %d %lld", number, limit, took);
	else if (WIFSIGNALED(status))
		say("end %d signal %d %lld", number, WTERMSIG(status), took);
	else
		say("end %d exit %d %lld", number, WEXITSTATUS(status), took);
}

int main(void)
{
	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	try_mount("proc", "/proc", NULL);
	try_mount("sysfs", "/sys", NULL);
	try_mount("devpts", "/dev/pts", "mode=0620,ptmxmode=0666");
	try_mount("tmpfs", "/tmp", "mode=1777");
	try_mount("tmpfs", "/dev/shm", "mode=1777");
	try_mount("mqueue", "/dev/mqueue", NULL);
	load_modules();
	loopback_up();
	signal(SIGPIPE, SIG_IGN);
	struct rlimit files = { 1024, 4096 };
	setrlimit(RLIMIT_NOFILE, &files);
	sethostname("contracts", 9);
	load_tracer();
	FILE *list = fopen("/contracts/LIST", "re");
	char way[16] = "";
	if (list == NULL || fscanf(list, "%15s", way) != 1)
		fprintf(stderr, "init: no /contracts/LIST\n");
	serial = strcmp(way, "serial") == 0;
	host_answers = strcmp(way, "stdout") == 0;
	if (serial)
		port = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	else if (strcmp(way, "port") == 0)
		port = open_port();
	if (port < 0) // a kernel without a console device still has given us one
		port = fcntl(1, F_DUPFD_CLOEXEC, 10);
	if (port < 0) {
		fprintf(stderr, "init: no way for the records\n");
	} else {
		char program[256], tty[8];
		int number, uid, limit;
		while (list != NULL && fscanf(list, "%d %255s %d %d %7s", &number, program, &uid, &limit, tty) == 5)
			run(number, program, uid, limit, strcmp(tty, "tty") == 0);
		say("done");
	}
	sync();
	reboot(RB_AUTOBOOT);
	return 0;
}
