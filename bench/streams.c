// Pipes and sockets: within a process, and between two.
#include "bench.h"
#include <netinet/in.h>
#include <netinet/tcp.h>

static void self(struct run *r, int in, int out)
{
	char c = 0;
	REPEAT(r)
		if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
			fail("read and write");
}

BENCH(pipe, NS, "a byte written to a pipe and read from it")
{
	int p[2];
	CHECK(pipe(p));
	self(r, p[0], p[1]);
}

BENCH(pipe_pingpong, NS, "a byte through pipes to another process and back")
{
	int there[2], back[2];
	CHECK(pipe(there));
	CHECK(pipe(back));
	ping_pong(r, back[0], there[1], there[0], back[1]);
}

// busy makes what a kernel has to allocate for, and lets go of it: processes, open files, new files.
static void busy(long unused)
{
	for (;;) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		CHECK(waitpid(pid, 0, 0));
		for (int i = 0; i < 20; i++) {
			int fd = open("made", O_WRONLY | O_CREAT, 0600);
			CHECK(write(fd, "x", 1));
			CHECK(close(fd));
			CHECK(close(open("/dev/null", O_RDONLY)));
			CHECK(unlink("made"));
		}
	}
}

// round_trips times single bytes that go to another process and back, with or without a third that keeps the kernel busy.
static void round_trips(struct run *r, int loaded)
{
	int there[2], back[2];
	CHECK(pipe(there));
	CHECK(pipe(back));
	pid_t echo = echoing(there[0], back[1]), load = loaded ? start(busy, 0) : 0;
	TIMES(r) round_trip(back[0], there[1]);
	if (load)
		stop(load);
	stop(echo);
}

TAIL(round_trip, NS, "single round trips of a byte through pipes, how long the slow ones take")
{
	round_trips(r, 0);
}

TAIL(round_trip_loaded, NS, "the same beside a process that forks, opens and creates files, so that the kernel allocates")
{
	round_trips(r, 1);
}

BENCH(pipe_bandwidth, NS_KIB, "64 KiB at a time through a pipe to another process")
{
	int p[2];
	CHECK(pipe(p));
	stream(r, p[1], p[0]);
}

static void pair(int s[2]) { CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s)); }

BENCH(socketpair, NS, "a byte written to one end of a pair of sockets and read from the other")
{
	int s[2];
	pair(s);
	self(r, s[0], s[1]);
}

BENCH(unix_latency, NS, "a byte through unix sockets to another process and back")
{
	int s[2];
	pair(s);
	ping_pong(r, s[0], s[0], s[1], s[1]);
}

BENCH(unix_bandwidth, NS_KIB, "64 KiB at a time through a unix socket to another process")
{
	int s[2];
	pair(s);
	stream(r, s[0], s[1]);
}

// tcp_pair connects two sockets over the loopback interface.
static void tcp_pair(int s[2])
{
	int one = 1, l = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	CHECK(l);
	CHECK(bind(l, (struct sockaddr *)&a, n));
	CHECK(listen(l, 1));
	CHECK(getsockname(l, (struct sockaddr *)&a, &n));
	CHECK(s[0] = socket(AF_INET, SOCK_STREAM, 0));
	CHECK(connect(s[0], (struct sockaddr *)&a, n));
	CHECK(s[1] = accept(l, 0, 0));
	for (int i = 0; i < 2; i++)
		CHECK(setsockopt(s[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
}

BENCH(tcp_latency, NS, "a byte over TCP to another process and back")
{
	int s[2];
	tcp_pair(s);
	ping_pong(r, s[0], s[0], s[1], s[1]);
}

BENCH(tcp_bandwidth, NS_KIB, "64 KiB at a time over TCP to another process")
{
	int s[2];
	tcp_pair(s);
	stream(r, s[0], s[1]);
}

static int ends[8][2];

static void pipe_one(int i, long n)
{
	char c = 0;
	while (n-- > 0)
		if (write(ends[i][1], &c, 1) != 1 || read(ends[i][0], &c, 1) != 1)
			fail("pipe");
}

CPUS(parallel_pipes, NS, "a byte written to a pipe and read from it, a pipe for each of so many CPUs")
{
	for (int i = 0; i < r->arg; i++)
		CHECK(pipe(ends[i]));
	on_cpus(r, pipe_one);
}
