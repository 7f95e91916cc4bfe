// socketpair(2), socket(2): types, flags and protocols of AF_UNIX; what the descriptors look like.
#include "contract.h"

static void type_of(const char *name, int fd)
{
	int type = 0, domain = 0, protocol = -1;
	socklen_t n = sizeof(int);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n);
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n);
	getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &n);
	FACT("%s: type %d domain %d protocol %d flags %#o fd flags %d", name, type, domain, protocol, fcntl(fd, F_GETFL),
	     fcntl(fd, F_GETFD));
}

int main(void)
{
	int s[2];
	CALL("stream", socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	type_of("stream", s[0]);
	CALL("datagram", socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s));
	type_of("datagram", s[1]);
	CALL("seqpacket", socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s));
	type_of("seqpacket", s[0]);
	CALL("raw becomes datagram", socketpair(AF_UNIX, SOCK_RAW, 0, s));
	type_of("raw", s[0]);
	CALL("protocol PF_UNIX", socketpair(AF_UNIX, SOCK_STREAM, PF_UNIX, s));
	CALL("another protocol", socketpair(AF_UNIX, SOCK_STREAM, 2, s));
	CALL("no such type", socketpair(AF_UNIX, SOCK_RDM, 0, s));
	CALL("a flag that is none", socketpair(AF_UNIX, SOCK_STREAM | 0x10, 0, s));
	CALL("AF_INET has no pairs", socketpair(AF_INET, SOCK_STREAM, 0, s));
	CALL("no such family", socketpair(77, SOCK_STREAM, 0, s));
	CALL("bad pointer", socketpair(AF_UNIX, SOCK_STREAM, 0, BAD_POINTER));
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	struct stat st;
	fstat(s[0], &st);
	FACT("mode %o links %d size %d blksize %d", st.st_mode, (int)st.st_nlink, (int)st.st_size, (int)st.st_blksize);
	char link[64] = "", path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", s[0]);
	readlink(path, link, sizeof link - 1);
	FACT("link %.8s", link);
	CALL("open by the link", open(path, O_RDWR));
	CALL("lseek", lseek(s[0], 0, SEEK_SET));
	CALL("pread", pread(s[0], link, 1, 0));
	CALL("ftruncate", ftruncate(s[0], 0));
	CALL("fsync", fsync(s[0]));
}
