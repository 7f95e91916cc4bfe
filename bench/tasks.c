// Processes and threads: making them, waking them, and going from one to the other.
#include "bench.h"

static void nothing(long unused) {}

BENCH(fork_exit, NS, "fork, exit, wait")
{
	REPEAT(r) CHECK(waitpid(start(nothing, 0), 0, 0));
}

BENCH(fork_exec, NS, "fork, exec of a small static program, exit, wait")
{
	char *argv[] = {"/init", "nothing", 0};
	REPEAT(r) spawn("/init", argv);
}

BENCH(exec_true, NS, "fork, exec of BusyBox's true, exit, wait")
{
	char *argv[] = {"true", 0};
	REPEAT(r) spawn("/bin/true", argv);
}

static void *same(void *p) { return p; }

BENCH(pthread_create_join, NS, "a thread created and joined")
{
	REPEAT(r) {
		pthread_t t;
		if (pthread_create(&t, 0, same, 0))
			fail("pthread_create");
		pthread_join(t, 0);
	}
}

static int turn;

static void futex_wait(int *at, int value) { syscall(SYS_futex, at, 0 /* FUTEX_WAIT */ | 128, value, 0); }
static void futex_wake(int *at) { syscall(SYS_futex, at, 1 /* FUTEX_WAKE */ | 128, 1); }

// give hands the turn to the other side and waits for it to come back.
static void give(int to)
{
	__atomic_store_n(&turn, to, __ATOMIC_SEQ_CST);
	futex_wake(&turn);
	while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == to)
		futex_wait(&turn, to);
}

static void *partner(void *p)
{
	while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == 0)
		futex_wait(&turn, 0);
	for (;;)
		give(0);
	return 0;
}

BENCH(futex_wake, NS, "a futex's wake to the waiter's running: half of a round trip between two threads")
{
	pthread_t t;
	pthread_create(&t, 0, partner, 0);
	r->per = 2;
	REPEAT(r) give(1);
}

static int ring_in, ring_out;

static void pass(long unused)
{
	char c;
	while (read(ring_in, &c, 1) == 1)
		write(ring_out, &c, 1);
}

CURVE(context_switch, NS, "a byte passed on in a ring of so many processes: the time of one pass", 2, 16, 64)
{
	int first[2], last[2];
	char c = 0;
	CHECK(pipe(first));
	ring_in = first[0];
	for (long i = 1; i < r->arg; i++) {
		CHECK(pipe(last));
		ring_out = last[1];
		start(pass, 0);
		ring_in = last[0];
	}
	r->per = r->arg;
	REPEAT(r)
		if (write(first[1], &c, 1) != 1 || read(ring_in, &c, 1) != 1)
			fail("ring");
}

static void *sleeper(void *p)
{
	for (;;)
		pause();
	return p;
}

CURVE(tasks, NS, "a byte through pipes and back to another process, beside so many sleeping threads", 10, 100, 1000, 10000)
{
	int there[2], back[2];
	CHECK(pipe(there));
	CHECK(pipe(back));
	pthread_attr_t a;
	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 8192);
	pthread_attr_setguardsize(&a, 0);
	for (long i = 0; i < r->arg; i++) {
		pthread_t t;
		if ((errno = pthread_create(&t, &a, sleeper, 0)) != 0)
			fail("pthread_create");
	}
	ping_pong(r, back[0], there[1], there[0], back[1]);
}

static struct pair { _Alignas(128) int turn; } pairs[8];

static void *follower(void *p)
{
	int *turn = p;
	for (;;) {
		while (__atomic_load_n(turn, __ATOMIC_SEQ_CST) == 0)
			futex_wait(turn, 0);
		__atomic_store_n(turn, 0, __ATOMIC_SEQ_CST);
		futex_wake(turn);
	}
	return 0;
}

static void futex_pair(int i, long n)
{
	int *turn = &pairs[i].turn;
	while (n-- > 0) {
		__atomic_store_n(turn, 1, __ATOMIC_SEQ_CST);
		futex_wake(turn);
		while (__atomic_load_n(turn, __ATOMIC_SEQ_CST) == 1)
			futex_wait(turn, 1);
	}
}

CPUS(parallel_futexes, NS, "round trips between two threads by a futex, as many pairs as CPUs")
{
	for (int i = 0; i < r->arg; i++) {
		pthread_t t;
		if (pthread_create(&t, 0, follower, &pairs[i].turn))
			fail("pthread_create");
	}
	on_cpus(r, futex_pair);
}
