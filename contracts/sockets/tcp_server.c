// tcp(7): eight clients and a server that forks: every byte comes back, every process ends.
#include "contract.h"
#include <netinet/in.h>

static void client(struct sockaddr_in a, int k)
{
	int s = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(connect(s, (void *)&a, sizeof a));
	char out[5000], back[5000];
	for (int i = 0; i < (int)sizeof out; i++)
		out[i] = i * k;
	for (int i = 0; i < 3; i++) {
		MUST(write(s, out, sizeof out));
		if (recv(s, back, sizeof back, MSG_WAITALL) != sizeof back || memcmp(out, back, sizeof out) != 0)
			_exit(1);
	}
	shutdown(s, SHUT_WR);
	_exit(read(s, back, 1) == 0 ? 0 : 2);
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(bind(l, (void *)&a, n));
	MUST(listen(l, 16));
	getsockname(l, (void *)&a, &n);
	pid_t clients[8], servers[8];
	for (int k = 0; k < 8; k++)
		CHILD(clients[k]) { client(a, k + 1); }
	for (int k = 0; k < 8; k++) {
		int s = MUST(accept(l, NULL, NULL));
		CHILD(servers[k])
		{
			char b[4096];
			long r, total = 0;
			while ((r = read(s, b, sizeof b)) > 0) {
				MUST(write(s, b, r));
				total += r;
			}
			_exit(total == 15000 ? 0 : 3);
		}
		close(s);
	}
	for (int k = 0; k < 8; k++) {
		ENDED("client", clients[k]);
		ENDED("server", servers[k]);
	}
}
