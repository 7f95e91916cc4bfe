// What every contract includes: the headers of the C library and the few helpers with which a contract states facts.
//
// A contract prints what the kernel did, one fact a line, and judges nothing. It never prints a value that differs
// between two runs (ids, addresses, times): it prints how such values relate. Waiting is for events, with a bound.
#ifndef CONTRACT_H
#define CONTRACT_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-value"
#define UNUSED __attribute__((unused))

// Seconds after which a wait gives up. Generous: emulated machines are slow, and a wait that succeeds ends at once.
enum { PATIENCE = 10 };

// FACT prints one line, in one write, so that what was said before a crash is kept.
static void FACT(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void FACT(const char *format, ...)
{
	char line[2048];
	int saved = errno;
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line, sizeof line - 1, format, args);
	va_end(args);
	if (n > (int)sizeof line - 2)
		n = sizeof line - 2;
	line[n++] = '\n';
	for (int done = 0; done < n;) {
		ssize_t w = write(1, line + done, n - done);
		if (w < 0 && errno != EINTR)
			break;
		if (w > 0)
			done += w;
	}
	errno = saved;
}

// errno_name returns the name of an error number, as <errno.h> spells it.
static const char *errno_name(int e)
{
	static char other[24];
#define E(name) case name: return #name
	switch (e) {
	case 0: return "0";
	E(E2BIG); E(EACCES); E(EADDRINUSE); E(EADDRNOTAVAIL); E(EAFNOSUPPORT); E(EAGAIN); E(EALREADY); E(EBADF);
	E(EBADMSG); E(EBUSY); E(ECANCELED); E(ECHILD); E(ECONNABORTED); E(ECONNREFUSED); E(ECONNRESET); E(EDEADLK);
	E(EDESTADDRREQ); E(EDOM); E(EDQUOT); E(EEXIST); E(EFAULT); E(EFBIG); E(EHOSTUNREACH); E(EIDRM); E(EILSEQ);
	E(EINPROGRESS); E(EINTR); E(EINVAL); E(EIO); E(EISCONN); E(EISDIR); E(ELOOP); E(EMFILE); E(EMLINK); E(EMSGSIZE);
	E(ENAMETOOLONG); E(ENETDOWN); E(ENETUNREACH); E(ENFILE); E(ENOBUFS); E(ENODATA); E(ENODEV); E(ENOENT); E(ENOEXEC);
	E(ENOKEY); E(ENOLCK); E(ENOMEM); E(ENOMSG); E(ENOPROTOOPT); E(ENOSPC); E(ENOSYS); E(ENOTBLK); E(ENOTCONN);
	E(ENOTDIR); E(ENOTEMPTY); E(ENOTRECOVERABLE); E(ENOTSOCK); E(ENOTTY); E(ENXIO); E(EOPNOTSUPP); E(EOVERFLOW);
	E(EOWNERDEAD); E(EPERM); E(EPFNOSUPPORT); E(EPIPE); E(EPROTO); E(EPROTONOSUPPORT); E(EPROTOTYPE); E(ERANGE);
	E(EROFS); E(ESHUTDOWN); E(ESOCKTNOSUPPORT); E(ESPIPE); E(ESRCH); E(ESTALE); E(ETIME); E(ETIMEDOUT); E(ETXTBSY);
	E(EUSERS); E(EXDEV); E(ECHRNG); E(EUNATCH); E(ENONET);
	}
#undef E
	snprintf(other, sizeof other, "errno %d", e);
	return other;
}

// signal_name returns the name of a signal.
static const char *signal_name(int s)
{
	static char other[24];
#define S(name) case name: return #name
	switch (s) {
	S(SIGHUP); S(SIGINT); S(SIGQUIT); S(SIGILL); S(SIGTRAP); S(SIGABRT); S(SIGBUS); S(SIGFPE); S(SIGKILL); S(SIGUSR1);
	S(SIGSEGV); S(SIGUSR2); S(SIGPIPE); S(SIGALRM); S(SIGTERM); S(SIGSTKFLT); S(SIGCHLD); S(SIGCONT); S(SIGSTOP);
	S(SIGTSTP); S(SIGTTIN); S(SIGTTOU); S(SIGURG); S(SIGXCPU); S(SIGXFSZ); S(SIGVTALRM); S(SIGPROF); S(SIGWINCH);
	S(SIGIO); S(SIGPWR); S(SIGSYS);
	}
#undef S
	snprintf(other, sizeof other, s >= 32 ? "SIG32+%d" : "signal %d", s >= 32 ? s - 32 : s);
	return other;
}

// say_result prints what a call returned: the number, or the name of its error.
static long say_result(const char *name, long result)
{
	if (result == -1)
		FACT("%s: %s", name, errno_name(errno));
	else
		FACT("%s: %ld", name, result);
	return result;
}

// say_success is say_result for numbers that differ between runs (ids, addresses): only success counts.
static long say_success(const char *name, long result)
{
	FACT("%s: %s", name, result == -1 ? errno_name(errno) : "ok");
	return result;
}

// CALL makes a call, prints its result or its error's name, and has the result as its value.
#define CALL(name, expr) (errno = 0, say_result(name, (long)(expr)))
// OK is CALL for results that differ between runs: it prints "ok" in place of the number.
#define OK(name, expr) (errno = 0, say_success(name, (long)(expr)))
// IS prints whether a relation holds.
#define IS(name, cond) FACT("%s: %s", name, (cond) ? "yes" : "no")
// ERR prints an error number that a function returned, as the pthread functions do.
#define ERR(name, expr) FACT("%s: %s", name, errno_name(expr))
// WITHIN prints whether a measured value lies within bounds, and the value only where it does not.
#define WITHIN(name, value, low, high)                                                                   \
	do {                                                                                             \
		long long v_ = (value);                                                                  \
		if (v_ >= (low) && v_ <= (high))                                                         \
			FACT("%s: within bounds", name);                                                 \
		else                                                                                     \
			FACT("%s: %lld, not within %lld..%lld", name, v_, (long long)(low), (long long)(high)); \
	} while (0)

// MUST makes a call of the preparation; where it fails there are no facts to state, and the contract ends.
#define MUST(expr)                                                                       \
	({                                                                               \
		errno = 0;                                                               \
		__auto_type r_ = (expr);                                                 \
		if ((long)r_ == -1) {                                                    \
			FACT("preparation failed: %s: %s", #expr, errno_name(errno));    \
			_exit(99);                                                       \
		}                                                                        \
		r_;                                                                      \
	})

// THREAD starts a thread; MUST for pthread_create.
static pthread_t THREAD(void *(*run)(void *), void *arg)
{
	pthread_t t;
	int e = pthread_create(&t, NULL, run, arg);
	if (e != 0) {
		FACT("preparation failed: pthread_create: %s", errno_name(e));
		_exit(99);
	}
	return t;
}

// JOIN waits for a thread and returns its value.
static void *JOIN(pthread_t t)
{
	void *value = NULL;
	pthread_join(t, &value);
	return value;
}

// CHILD forks. The block that follows is the child's whole life; it exits with 0 at the block's end.
#define CHILD(pid) \
	if (((pid) = MUST(fork())) == 0) \
		for (;; _exit(0))

// SAY_STATUS prints a wait status.
static void SAY_STATUS(const char *name, int status)
{
	if (WIFEXITED(status))
		FACT("%s: exited %d", name, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		FACT("%s: killed by %s", name, signal_name(WTERMSIG(status)));
	else if (WIFSTOPPED(status))
		FACT("%s: stopped by %s", name, signal_name(WSTOPSIG(status)));
	else if (WIFCONTINUED(status))
		FACT("%s: continued", name);
	else
		FACT("%s: status %#x", name, status);
}

// REAP waits for a child and returns its wait status.
static int REAP(pid_t pid)
{
	int status = -1;
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return status;
}

// ENDED waits for a child and prints how it ended.
#define ENDED(name, pid) SAY_STATUS(name, REAP(pid))

// now_ns returns the monotonic clock; now_ms the same in milliseconds.
static long long now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static long long now_ms(void) { return now_ns() / 1000000; }

// pause_ms lets time pass: only for facts that are about time, or that something does NOT happen.
static void pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	while (nanosleep(&t, &t) == -1 && errno == EINTR)
		;
}

// clock_moves waits until the clock of file times has moved on, so that a change from now on shows in them.
static void clock_moves(void)
{
	struct timespec a, b;
	clock_gettime(CLOCK_REALTIME_COARSE, &a);
	do {
		pause_ms(1);
		clock_gettime(CLOCK_REALTIME_COARSE, &b);
	} while (a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec);
}

// alarms_every_ms sends SIGALRM again and again, with 0 no more: a single one could come before the call that it is to interrupt.
static void alarms_every_ms(long ms)
{
	struct timeval t = { ms / 1000, ms % 1000 * 1000 };
	setitimer(ITIMER_REAL, &(struct itimerval){ t, t }, NULL);
}

// EVENTUALLY waits until a condition holds, and says so where it never does.
#define EVENTUALLY(cond)                                                                  \
	({                                                                                \
		long long end_ = now_ms() + PATIENCE * 1000;                              \
		bool held_;                                                               \
		while (!(held_ = (cond)) && now_ms() < end_)                              \
			pause_ms(1);                                                      \
		if (!held_)                                                               \
			FACT("never came to pass: %s", #cond);                            \
		held_;                                                                    \
	})

// A gate lets one process or thread wait for another: a pipe, so that it works across fork and exec.
struct gate {
	int out[2];
};
static struct gate gate_new(void)
{
	struct gate g;
	MUST(pipe(g.out));
	return g;
}
static void gate_open(struct gate g) { write(g.out[1], "x", 1); }
static bool gate_wait(struct gate g)
{
	struct pollfd p = { .fd = g.out[0], .events = POLLIN };
	long long end = now_ms() + PATIENCE * 1000;
	char c;
	for (;;) {
		long left = end - now_ms();
		int n = left > 0 ? poll(&p, 1, left) : 0;
		if (n == 1 && read(g.out[0], &c, 1) == 1)
			return true;
		if (n == -1 && errno == EINTR)
			continue;
		FACT("a gate never opened");
		return false;
	}
}

// thread_id returns the caller's thread id.
static pid_t thread_id(void) { return syscall(SYS_gettid); }

// asleep waits until a thread of any process sleeps in the kernel, so that what follows meets it there. Where procfs
// cannot tell, it gives the thread a while.
static void asleep(pid_t tid)
{
	char path[64], text[512];
	int seen = 0; // one look may meet a short sleep on the way there
	snprintf(path, sizeof path, "/proc/%d/stat", tid);
	for (long long end = now_ms() + PATIENCE * 1000; now_ms() < end; pause_ms(1)) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			break;
		ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		if (n <= 0)
			break;
		text[n] = 0;
		char *state = strrchr(text, ')');
		bool sleeps = state != NULL && (state[2] == 'S' || state[2] == 'T' || state[2] == 'D');
		if (state != NULL && state[2] == 'Z')
			return; // it has ended already
		seen = sleeps ? seen + 1 : 0;
		if (seen == 3)
			return;
	}
	pause_ms(50);
}

// LATER makes a call in another process, waits until that sleeps in it, and has the process's id as its value. CAME prints
// what the call returned in the end, as CALL does: results up to 99.
#define LATER(expr)                                                                    \
	({                                                                             \
		pid_t later_ = MUST(fork());                                           \
		if (later_ == 0) {                                                     \
			errno = 0;                                                     \
			long r_ = (long)(expr);                                        \
			_exit(r_ == -1 ? 100 + errno : r_);                            \
		}                                                                      \
		asleep(later_);                                                        \
		later_;                                                                \
	})
static void CAME(const char *name, pid_t pid)
{
	int status = REAP(pid);
	if (!WIFEXITED(status))
		SAY_STATUS(name, status);
	else if (WEXITSTATUS(status) >= 100)
		FACT("%s: %s", name, errno_name(WEXITSTATUS(status) - 100));
	else
		FACT("%s: %d", name, WEXITSTATUS(status));
}

// TYPE writes what a user would type to descriptor 9, the terminal's master, and gives the line discipline a moment to
// take it in: Linux does that in another thread.
static void TYPE(const char *keys)
{
	struct pollfd p = { 0, POLLIN, 0 };
	write(9, keys, strlen(keys));
	poll(&p, 1, 0); // where there is no input yet, Linux waits here for that thread
	pause_ms(2);
}
// HEAR reads at descriptor 9 what the terminal has said so far, and returns how much that is. It says a last byte itself,
// which no mode changes and which moves no column, and reads up to that: what was said before comes before it.
static int HEAR(char *text, int room)
{
	const char last = 6;
	struct pollfd p = { 9, POLLIN, 0 };
	char c = 0;
	int n = 0, saved = errno;
	MUST(write(0, &last, 1));
	while (poll(&p, 1, PATIENCE * 1000) == 1 && read(9, &c, 1) == 1 && c != last)
		if (n < room)
			text[n++] = c;
	if (c != last)
		FACT("the terminal never said its last byte");
	errno = saved;
	return n;
}

// put_file makes a file with some content; get_file returns a file's content as a string in a static buffer.
static void put_file(const char *path, const char *text)
{
	int fd = MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
	MUST(write(fd, text, strlen(text)));
	close(fd);
}
static char *get_file(const char *path)
{
	static char text[65536];
	size_t n = 0;
	int fd = open(path, O_RDONLY);
	if (fd == -1)
		return strcpy(text, errno_name(errno));
	for (ssize_t r; n < sizeof text - 1 && (r = read(fd, text + n, sizeof text - 1 - n)) > 0;)
		n += r;
	close(fd);
	text[n] = 0;
	return text;
}

// line_of returns the rest of the line that starts with a key, in a text as procfs has them, without leading blanks;
// "(none)" where there is none.
// Up to four results stay valid.
static char *line_of(const char *text, const char *key)
{
	static char ring[4][512];
	static int turn;
	char *rest = ring[turn++ % 4];
	size_t k = strlen(key);
	for (const char *p = text; p != NULL && *p != 0; p = strchr(p, '\n'), p = p ? p + 1 : p) {
		if (strncmp(p, key, k) != 0)
			continue;
		p += k;
		while (*p == ' ' || *p == '\t')
			p++;
		snprintf(rest, sizeof ring[0], "%.*s", (int)strcspn(p, "\n"), p);
		return rest;
	}
	return strcpy(rest, "(none)");
}

// on_signal installs a handler; got counts deliveries per signal in handlers installed with note_signal.
static volatile sig_atomic_t got[65];
static void note(int sig) { got[sig]++; }
static void on_signal(int sig, void (*handler)(int), int flags)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
	sigemptyset(&a.sa_mask);
	MUST(sigaction(sig, &a, NULL));
}
static void note_signal(int sig, int flags) { on_signal(sig, note, flags); }

// set_of returns a signal set of one signal; block and unblock change the caller's mask by it.
static sigset_t set_of(int sig)
{
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, sig);
	return s;
}
static void block(int sig)
{
	sigset_t s = set_of(sig);
	sigprocmask(SIG_BLOCK, &s, NULL);
}
static void unblock(int sig)
{
	sigset_t s = set_of(sig);
	sigprocmask(SIG_UNBLOCK, &s, NULL);
}
static bool is_pending(int sig)
{
	sigset_t s;
	sigpending(&s);
	return sigismember(&s, sig) == 1;
}

// FAULTS runs an expression in a child and prints the signal that it died of, or that it survived.
#define FAULTS(name, expr)                                       \
	do {                                                     \
		pid_t p_;                                        \
		CHILD(p_) { (void)(expr); }                      \
		int s_ = REAP(p_);                               \
		if (WIFSIGNALED(s_))                             \
			FACT("%s: %s", name, signal_name(WTERMSIG(s_))); \
		else                                             \
			FACT("%s: no fault", name);              \
	} while (0)

// page returns the size of a page.
static size_t page(void) { return sysconf(_SC_PAGESIZE); }

// pages maps anonymous private memory of some pages.
static char *pages(int n, int prot)
{
	char *p = mmap(NULL, n * page(), prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		FACT("preparation failed: mmap of %d pages: %s", n, errno_name(errno));
		_exit(99);
	}
	return p;
}

#define BAD_POINTER ((void *)1)
#define COUNT_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))
#endif
