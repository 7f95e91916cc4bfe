// What the benchmarks share. A benchmark is a function that prepares, measures, and cleans up:
//
//	BENCH(getpid, NS, "a system call that does nothing")
//	{
//		REPEAT(r)
//			syscall(SYS_getpid);
//	}
//
// The statement after REPEAT is one operation. REPEAT runs it as often as it takes to fill a sample's time, takes several
// samples, and reports the time of one operation. TIMES times each operation by itself, for a benchmark that is declared
// TAIL. The lines that begin with BENCH, CURVE, CPUS and TAIL are read by the host command too: it learns from them what
// there is.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLES = 5, TIMES_MOST = 1000000, TIMES_LEAST = 1000 };

// A unit of a benchmark's figure.
enum unit {
	NS,     // time of an operation
	NS_KIB, // time of a KiB
	KIB,    // KiB of memory
};

// A run is one benchmark being measured.
struct run {
	long arg;         // the point on a curve, or the number of CPUs to use
	long n;           // operations in the next sample
	long per;         // operations that one statement does: 1 unless set
	int64_t started;  // CLOCK_MONOTONIC
	int64_t target;   // least length of a sample
	int calibrated;   // n fills a sample
	int samples;      // taken
	double sample[SAMPLES];
	double value;     // the result of a benchmark that does not REPEAT
	float *times;     // of single operations, in ns, where TIMES takes them
	long taken;       // how many
	int64_t began;    // CLOCK_MONOTONIC, the first of them
};

struct row {
	const char *name;
	enum unit unit;
	void (*run)(struct run *);
};

// (The names are joined and quoted here and not further in: some are macros of the C library.)
#define BENCH(id, unit, what) ROW(id##_row, id##_run, #id, unit)
// A CURVE is measured at several points, each of which is r->arg.
#define CURVE(id, unit, what, ...) ROW(id##_row, id##_run, #id, unit)
// CPUS is measured with 1, 2 and 4 CPUs, where the machine has as many.
#define CPUS(id, unit, what) ROW(id##_row, id##_run, #id, unit)

// A TAIL is the distribution of single operations' times, which TIMES takes.
#define TAIL(id, unit, what) ROW(id##_row, id##_run, #id, unit)

#define ROW(entry, function, name, unit)                                                           \
	static void function(struct run *r);                                                       \
	static const struct row entry = {name, unit, function};                                    \
	static const struct row *const entry##_p __attribute__((section("rows"), used)) = &entry; \
	static void function(struct run *r)

#define REPEAT(r) while (more(r)) for (long left_ = (r)->n; left_ > 0; left_--)
#define TIMES(r) while (another(r))

int64_t now(void);        // ns of CLOCK_MONOTONIC
int more(struct run *r);  // whether another sample is to be taken, r->n times
int another(struct run *r); // whether another single operation is to be timed
void fail(const char *what) __attribute__((noreturn)); // with errno
#define CHECK(call) do { if ((long)(call) == -1) fail(#call); } while (0)

// start forks; the child runs f(arg) and exits.
pid_t start(void (*f)(long), long arg);
void stop(pid_t pid);

// spawn runs a program and waits for its end, which must be a success.
void spawn(const char *path, char *const argv[]);
void shell(const char *script);

// fill makes a file of n bytes, of text that compresses as text does.
void fill(const char *path, long n);

// ping_pong sends a byte to and fro between a process of its own and this one, which measures it. The descriptors are two
// ends of a socket, or of two pipes.
void ping_pong(struct run *r, int in, int out, int their_in, int their_out);
// echoing starts the process that sends every byte back, and round_trip sends one to it.
pid_t echoing(int in, int out);
void round_trip(int in, int out);
// stream has a process read from one end what this one writes to the other, 64 KiB at a time.
void stream(struct run *r, int out, int in);

// on_cpus runs op(worker, n) on as many threads as there are workers, each bound to a CPU, for a sample at a time.
void on_cpus(struct run *r, void (*op)(int worker, long n));
