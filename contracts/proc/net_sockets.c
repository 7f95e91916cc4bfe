// proc(5), /proc/net: rows of tcp, tcp6, udp, udp6, unix, dev, if_inet6 and route for sockets in several states.
#include "contract.h"
#include <arpa/inet.h>
#include <net/if.h>

static char text[65536];
static unsigned port_of(int s)
{
	struct sockaddr_in6 a;
	socklen_t n = sizeof a;
	getsockname(s, (void *)&a, &n);
	return ntohs(a.sin6_port);
}
static unsigned long inode_of(int s)
{
	struct stat st;
	fstat(s, &st);
	return st.st_ino;
}
// row prints the row of a file whose ports are these; who is the socket that it is to be about.
static void row(const char *what, const char *file, unsigned local, unsigned remote, int who)
{
	char path[64], a[40], b[40], tr[16], retr[16];
	unsigned p, q, st, tx, rx, uid, tmo;
	unsigned long ino;
	snprintf(path, sizeof path, "/proc/net/%s", file);
	snprintf(text, sizeof text, "%s", get_file(path));
	for (char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
		if (sscanf(line + 1, "%*d: %39[0-9A-F]:%x %39[0-9A-F]:%x %x %x:%x %15s %15s %u %u %lu", a, &p, b, &q, &st, &tx, &rx, tr, retr, &uid, &tmo, &ino) != 12)
			FACT("a bad line in %s: %.80s", file, line + 1);
		else if (p == local && q == remote && (who < 0 || ino == inode_of(who))) {
			FACT("%s: %s %s state %02X sent %u received %u uid %u %s", what, a, b, st, tx, rx, uid, who < 0 && ino ? "of a descriptor" : "");
			return;
		}
	}
	FACT("%s: no row", what);
}
// line_with returns the first line of a file that has a text in it, "" for none.
static char *line_with(const char *file, const char *with)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/net/%s", file);
	snprintf(text, sizeof text, "%s", get_file(path));
	for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n"))
		if (strstr(l, with))
			return l;
	return "";
}
static void head_of(const char *file)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/net/%s", file);
	snprintf(text, sizeof text, "%s", get_file(path));
	char *end = strchr(text, '\n');
	FACT("%s begins, %d long, with %.*s", file, end ? (int)(end - text) : -1, end ? (int)(end - text) : 0, text);
}

int main(void)
{
	const char *files[] = { "tcp", "tcp6", "udp", "udp6", "unix", "route" };
	for (int i = 0; i < 6; i++)
		head_of(files[i]);
	struct sockaddr_in a = { AF_INET, 0, { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int l = socket(AF_INET, SOCK_STREAM, 0), bound = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);
	bind(bound, (void *)&a, sizeof a);
	bind(l, (void *)&a, sizeof a);
	listen(l, 5);
	unsigned p = port_of(l);
	row("a listener", "tcp", p, 0, l);
	row("one that is only bound", "tcp", port_of(bound), 0, bound);
	a.sin_port = htons(p);
	connect(c, (void *)&a, sizeof a);
	unsigned q = port_of(c);
	row("a connection", "tcp", q, p, c);
	row("its other end, not accepted", "tcp", p, q, -1);
	int s = accept(l, NULL, NULL);
	row("accepted", "tcp", p, q, s);
	send(c, "hello", 5, 0);
	struct pollfd f = { s, POLLIN };
	poll(&f, 1, 5000);
	row("with data", "tcp", p, q, s);
	recv(s, text, 5, 0);
	row("and read", "tcp", p, q, s);
	shutdown(c, SHUT_WR);
	CALL("the end", recv(s, text, 5, 0));
	row("after the other side's shutdown", "tcp", p, q, s);
	int u = socket(AF_INET, SOCK_DGRAM, 0), v = socket(AF_INET, SOCK_DGRAM, 0);
	row("unbound", "udp", 0, 0, u);
	a.sin_port = 0;
	bind(u, (void *)&a, sizeof a);
	row("bound", "udp", port_of(u), 0, u);
	a.sin_port = htons(port_of(u));
	connect(v, (void *)&a, sizeof a);
	row("connected", "udp", port_of(v), port_of(u), v);
	int l6 = socket(AF_INET6, SOCK_STREAM, 0), u6 = socket(AF_INET6, SOCK_DGRAM, 0), any = socket(AF_INET6, SOCK_STREAM, 0);
	bind(l6, (void *)&a6, sizeof a6);
	listen(l6, 1);
	row("IPv6", "tcp6", port_of(l6), 0, l6);
	bind(u6, (void *)&a6, sizeof a6);
	row("IPv6", "udp6", port_of(u6), 0, u6);
	listen(any, 1);
	row("both families", "tcp6", port_of(any), 0, any);
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		int o = socket(AF_INET, SOCK_DGRAM, 0);
		a.sin_port = 0;
		bind(o, (void *)&a, sizeof a);
		row("a user's", "udp", port_of(o), 0, o);
	}
	REAP(pid);
	struct sockaddr_un path = { AF_UNIX, "socket" };
	int n = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(n, (void *)&path, sizeof path);
	listen(n, 1);
	unsigned refs, protocol, flags, type, st;
	unsigned long ino;
	if (sscanf(line_with("unix", " socket"), "%*[0-9a-f]: %x %x %x %x %x %lu", &refs, &protocol, &flags, &type, &st, &ino) == 6)
		FACT("unix: refs %u protocol %u flags %#x type %u state %u inode %d", refs, protocol, flags, type, st, ino == inode_of(n));
	FACT("%s", line_with("if_inet6", " lo"));
	unsigned long long in, packets;
	IS("lo has carried something", sscanf(line_with("dev", " lo:"), " lo: %llu %llu", &in, &packets) == 2 && in > 0 && packets > 0);
	FACT("routes: %s", strchr(get_file("/proc/net/route"), '\n')[1] ? "some" : "none");
}
