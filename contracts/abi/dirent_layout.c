// getdents64(2), inotify(7), signalfd(2), cmsg(3): records of variable length: their headers, alignment and padding.
#include "contract.h"
#include <sys/signalfd.h>

int main(void)
{
	unsigned char b[1024];
	mkdir("d", 0755);
	put_file("d/a", "");
	put_file("d/a-name-of-twenty-chars", "");
	int fd = open("d", O_RDONLY | O_DIRECTORY);
	long n = syscall(SYS_getdents64, fd, b, sizeof b);
	int count = 0, aligned = 1, sizes = 0, short_name = 0, long_name = 0;
	for (long at = 0; at < n;) {
		unsigned short length;
		memcpy(&length, b + at + 16, 2);
		char *name = (char *)b + at + 19;
		if (name[0] == 'a')
			*(name[1] == 0 ? &short_name : &long_name) = length << 8 | b[at + 18];
		aligned &= length % 8 == 0;
		sizes += length == (19 + (int)strlen(name) + 1 + 7) / 8 * 8;
		count++;
		at += length;
	}
	FACT("a: length %d type %d; a name of 24: length %d type %d", short_name >> 8, short_name & 255, long_name >> 8, long_name & 255);
	FACT("records %d, aligned %d, of the least size %d", count, aligned, sizes);
	int in = inotify_init1(IN_NONBLOCK);
	inotify_add_watch(in, "d", IN_CREATE | IN_DELETE_SELF);
	put_file("d/new", "");
	n = read(in, b, sizeof b);
	unsigned word[4];
	memcpy(word, b, 16);
	FACT("inotify: %ld bytes, wd %u mask %#x cookie %u length %u, name@16 %s", n, word[0], word[1], word[2], word[3], b + 16);
	memset(b, 0x5a, sizeof b);
	put_file("d/sixteen-chars-xx", "");
	n = read(in, b, sizeof b);
	memcpy(word, b, 16);
	FACT("%ld bytes, length %u, padded with zeros %d", n, word[3], b[16 + word[3] - 1] == 0 && b[16 + 17] == 0);
	sigset_t s = set_of(SIGUSR1);
	block(SIGUSR1);
	int sig = signalfd(-1, &s, 0);
	kill(getpid(), SIGUSR1);
	memset(b, 0x5a, sizeof b);
	n = read(sig, b, sizeof b);
	int v[4];
	memcpy(v, b, 16);
	FACT("signalfd: %ld bytes, signo %d errno %d code %d, pid@12 ours %d", n, v[0], v[1], v[2], v[3] == getpid());
	int end = n;
	while (end > 0 && b[end - 1] == 0)
		end--;
	IS("the rest is zero", end <= 20);
	FACT("cmsghdr %zu, CMSG_LEN(4) %d CMSG_SPACE(4) %d CMSG_SPACE(12) %d", sizeof(struct cmsghdr), (int)CMSG_LEN(4), (int)CMSG_SPACE(4), (int)CMSG_SPACE(12));
	FACT("msghdr %zu, iovec %zu, sockaddr_un %zu, ucred %zu", sizeof(struct msghdr), sizeof(struct iovec), sizeof(struct sockaddr_un), sizeof(struct ucred));
}
