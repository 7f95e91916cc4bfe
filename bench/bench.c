// Measuring: calibration and samples, and the helpers that benchmarks share.
#include "bench.h"
#include <time.h>

int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int more(struct run *r)
{
	int64_t end = now(), took = end - r->started;
	if (r->started == 0) {
		r->n = 1;
	} else if (!r->calibrated) {
		// At most tenfold a step: the first operations pay for what the others find ready.
		double grow = took > 0 ? 1.2 * r->target / took : 10;
		if (took >= r->target)
			r->calibrated = 1;
		else
			r->n = grow < 2 ? 2 * r->n : grow > 10 ? 10 * r->n : (long)(r->n * grow);
	} else {
		r->sample[r->samples++] = (double)took / r->n / (r->per ? r->per : 1);
		if (r->samples == SAMPLES)
			return 0;
	}
	r->started = now();
	return 1;
}

int another(struct run *r)
{
	enum { SAMPLES_LONG = 500 }; // what is seldom needs longer to be met
	int64_t t = now();
	if (!r->times) {
		r->times = malloc(TIMES_MOST * sizeof *r->times);
		memset(r->times, 0, TIMES_MOST * sizeof *r->times); // no fault falls into a time
		r->began = t = now();
	} else {
		r->times[r->taken++] = t - r->started;
	}
	if (r->taken == TIMES_MOST || (r->taken >= TIMES_LEAST && t - r->began >= SAMPLES_LONG * r->target))
		return 0;
	r->started = t;
	return 1;
}

void fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

pid_t start(void (*f)(long), long arg)
{
	pid_t pid = fork();
	if (pid == -1)
		fail("fork");
	if (pid == 0) {
		f(arg);
		_exit(0);
	}
	return pid;
}

void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, 0, 0));
}

void spawn(const char *path, char *const argv[])
{
	static char *const env[] = {"PATH=/bin", "LC_ALL=C", 0};
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(open("/dev/null", O_WRONLY), 1);
		execve(path, argv, env);
		_exit(127);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		fail("spawn");
	if (status != 0) {
		printf("%s %s: status %#x\n", path, argv[1] ? argv[argv[2] ? 2 : 1] : "", status);
		fflush(stdout);
		_exit(1);
	}
}

void shell(const char *script)
{
	char *argv[] = {"sh", "-c", (char *)script, 0};
	spawn("/bin/sh", argv);
}

void fill(const char *path, long n)
{
	static const char *const word[] = {"lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "adipiscing", "elit"};
	FILE *f = fopen(path, "w");
	if (!f)
		fail(path);
	unsigned seed = 1;
	for (int column = 0; n > 0;) {
		seed = seed * 1103515245 + 12345;
		const char *w = word[seed >> 16 & 7];
		int wrote = fprintf(f, "%s%u%c", w, seed >> 20 & 63, ++column % 8 ? ' ' : '\n');
		n -= wrote;
	}
	if (fclose(f))
		fail(path);
}

static int echo_in, echo_out;

static void echo(long unused)
{
	char c;
	while (read(echo_in, &c, 1) == 1)
		write(echo_out, &c, 1);
}

pid_t echoing(int in, int out)
{
	echo_in = in, echo_out = out;
	return start(echo, 0);
}

void round_trip(int in, int out)
{
	char c = 0;
	if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
		fail("round trip");
}

void ping_pong(struct run *r, int in, int out, int their_in, int their_out)
{
	pid_t pid = echoing(their_in, their_out);
	REPEAT(r) round_trip(in, out);
	stop(pid);
}

static char block[65536];

static void sink(long in)
{
	while (read(in, block, sizeof block) > 0)
		;
}

void stream(struct run *r, int out, int in)
{
	pid_t pid = start(sink, in);
	r->per = sizeof block / 1024;
	REPEAT(r)
		for (size_t done = 0; done < sizeof block;) {
			ssize_t n = write(out, block + done, sizeof block - done);
			CHECK(n);
			done += n;
		}
	stop(pid);
}

// The threads of on_cpus wait for the number of a round, run it, and count themselves out.
static struct {
	void (*op)(int, long);
	long n;
	int workers, round, left;
} team;

static void futex_wait(int *at, int value) { syscall(SYS_futex, at, 0 /* FUTEX_WAIT */ | 128, value, 0); }
static void futex_wake(int *at) { syscall(SYS_futex, at, 1 /* FUTEX_WAKE */ | 128, 1 << 30); }

static void *worker(void *arg)
{
	int i = (long)arg;
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(i, &set);
	sched_setaffinity(0, sizeof set, &set);
	for (int seen = 0;;) {
		int round;
		while ((round = __atomic_load_n(&team.round, __ATOMIC_SEQ_CST)) == seen)
			futex_wait(&team.round, seen);
		seen = round;
		team.op(i, team.n);
		if (__atomic_sub_fetch(&team.left, 1, __ATOMIC_SEQ_CST) == 0)
			futex_wake(&team.left);
	}
	return 0;
}

void on_cpus(struct run *r, void (*op)(int, long))
{
	team.op = op;
	team.workers = r->arg;
	for (long i = 0; i < team.workers; i++) {
		pthread_t t;
		if (pthread_create(&t, 0, worker, (void *)i))
			fail("pthread_create");
	}
	while (more(r)) {
		team.n = r->n;
		__atomic_store_n(&team.left, team.workers, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&team.round, 1, __ATOMIC_SEQ_CST);
		futex_wake(&team.round);
		for (int left; (left = __atomic_load_n(&team.left, __ATOMIC_SEQ_CST)) > 0;)
			futex_wait(&team.left, left);
	}
}
