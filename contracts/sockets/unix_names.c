// unix(7): names: lengths, files, abstract ones, autobind, rights, what getsockname tells.
#include "contract.h"

static struct sockaddr_un a;
static int bound(const char *name, int n, int type)
{
	int s = socket(AF_UNIX, type, 0);
	errno = 0;
	CALL(name, bind(s, (void *)&a, n));
	return s;
}
static void named(const char *name, int s)
{
	struct sockaddr_un b;
	memset(&b, 'z', sizeof b);
	socklen_t n = sizeof b;
	getsockname(s, (void *)&b, &n);
	FACT("%s: length %d first %d", name, (int)n, n > 2 ? b.sun_path[0] : -1);
}

int main(void)
{
	const int base = offsetof(struct sockaddr_un, sun_path);
	a.sun_family = AF_UNIX;
	named("unbound", socket(AF_UNIX, SOCK_STREAM, 0));
	strcpy(a.sun_path, "file");
	named("without the terminating zero", bound("bind", base + 4, SOCK_STREAM));
	struct stat st;
	stat("file", &st);
	FACT("mode %o size %d", st.st_mode, (int)st.st_size);
	bound("bound again by another", base + 5, SOCK_DGRAM);
	memset(a.sun_path, 'x', sizeof a.sun_path);
	named("108 bytes", bound("bind", sizeof a, SOCK_STREAM));
	bound("longer than the structure", sizeof a + 1, SOCK_STREAM);
	bound("too short", 1, SOCK_STREAM);
	strcpy(a.sun_path, "no/such/dir");
	bound("no directory", sizeof a, SOCK_STREAM);
	strcpy(a.sun_path, "file/x");
	bound("not a directory", sizeof a, SOCK_STREAM);
	a.sun_family = AF_INET;
	bound("another family", sizeof a, SOCK_STREAM);
	a.sun_family = AF_UNIX;
	memset(a.sun_path, 0, sizeof a.sun_path);
	named("abstract, one zero byte", bound("bind", base + 1, SOCK_STREAM));
	memcpy(a.sun_path, "\0abc\0d", 6);
	named("zeros inside", bound("bind", base + 6, SOCK_STREAM));
	bound("a shorter one is another", base + 4, SOCK_STREAM);
	bound("the same of another type", base + 6, SOCK_DGRAM);
	bound("the same", base + 6, SOCK_STREAM);
	named("autobind", bound("bind", base, SOCK_DGRAM));
	strcpy(a.sun_path, "plain");
	put_file("plain", "");
	int c = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL("connect to a file that is no socket", connect(c, (void *)&a, sizeof a));
	strcpy(a.sun_path, "file");
	CALL("of another type", connect(socket(AF_UNIX, SOCK_DGRAM, 0), (void *)&a, sizeof a));
	chmod("file", 0);
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		CALL("without the right to write", connect(c, (void *)&a, sizeof a));
	}
	REAP(pid);
}
