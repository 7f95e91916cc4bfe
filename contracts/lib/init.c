// The first process of a machine that runs contracts: it starts each in a session, process group and directory of its
// own, and reports on the port "kevlar.contracts" what it printed and how it ended. /contracts/LIST names the work: a
// line has the contract's number, its program, user, time limit in seconds and "tty" or "-".
//
// Records on the port: "begin N", "out N LENGTH" followed by as many bytes, "end N exit|signal|timeout VALUE MICROSECONDS",
// and "done".
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

static void say(const char *format, ...)
{
	char line[512];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	send_all(line, n);
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

// become is the child's side: everything that a contract finds around it.
static void become(const char *program, int uid, int out, int tty, const char *dir)
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
	say("begin %d\n", number);
	if (pipe2(out, O_CLOEXEC) == -1) {
		say("end %d exit 126 0\n", number);
		return;
	}
	long long start = now_us(), end = start + limit * 1000000LL;
	pid_t pid = fork();
	if (pid == 0)
		become(program, uid, out[1], tty, dir);
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
				say("out %d %d\n", number, (int)r);
				send_all(data, r);
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
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			ended = 1;
		}
	}
	long long took = now_us() - start;
	close(out[0]);
	kill(-pid, SIGKILL);
	// What the contract left behind, in whatever session, is a child of ours or will be: this machine runs nothing else.
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	if (late)
		say("end %d timeout %d %lld\n", number, limit, took);
	else if (WIFSIGNALED(status))
		say("end %d signal %d %lld\n", number, WTERMSIG(status), took);
	else
		say("end %d exit %d %lld\n", number, WEXITSTATUS(status), took);
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
	port = open_port();
	if (port < 0) {
		fprintf(stderr, "init: no port kevlar.contracts\n");
	} else {
		FILE *list = fopen("/contracts/LIST", "re");
		char program[256], tty[8];
		int number, uid, limit;
		while (list != NULL && fscanf(list, "%d %255s %d %d %7s", &number, program, &uid, &limit, tty) == 5)
			run(number, program, uid, limit, strcmp(tty, "tty") == 0);
		say("done\n");
	}
	sync();
	reboot(RB_AUTOBOOT);
	return 0;
}
