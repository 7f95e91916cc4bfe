// inotify(7): reading: buffer sizes, merging, FIONREAD, poll, blocking, several watchers, the deleted but open file.
#include "contract.h"

int main(void)
{
	int in = inotify_init1(IN_NONBLOCK), other = inotify_init1(IN_NONBLOCK);
	char b[512];
	mkdir("d", 0755);
	int w = inotify_add_watch(in, "d", IN_CREATE | IN_DELETE);
	inotify_add_watch(other, "d", IN_CREATE);
	IS("the same watch by another name", inotify_add_watch(in, "./d/../d", IN_CREATE | IN_DELETE) == w);
	CALL("nothing there", read(in, b, sizeof b));
	put_file("d/file", "");
	int n = -1;
	ioctl(in, FIONREAD, &n);
	FACT("FIONREAD %d", n);
	CALL("room too small", read(in, b, 16));
	CALL("one byte less", read(in, b, 31));
	struct pollfd p = { in, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	FACT("poll %#x", p.revents);
	CALL("room enough", read(in, b, 32));
	CALL("the other watcher's", read(other, b, sizeof b));
	for (int i = 0; i < 3; i++) {
		put_file("d/again", "");
		unlink("d/again");
	}
	CALL("room for two", read(in, b, 64));
	CALL("the rest", read(in, b, sizeof b));
	CALL("write", write(in, b, 1));
	CALL("lseek", lseek(in, 0, SEEK_CUR));
	fcntl(in, F_SETFL, 0);
	pid_t pid = LATER(read(in, b, sizeof b));
	put_file("d/wake", "");
	CAME("a sleeper wakes", pid);
	CALL("remove the watch", inotify_rm_watch(in, w));
	CALL("IN_IGNORED", read(in, b, sizeof b));
	FACT("mask %#x", ((struct inotify_event *)b)->mask);
	CALL("remove again", inotify_rm_watch(in, w));
	IS("numbers are not used again", inotify_add_watch(in, "d", IN_CREATE) > w);
	put_file("open", "");
	int fd = open("open", O_RDWR);
	fcntl(in, F_SETFL, O_NONBLOCK);
	w = inotify_add_watch(in, "open", IN_DELETE_SELF | IN_ATTRIB | IN_CLOSE);
	unlink("open");
	CALL("unlink of an open file", read(in, b, sizeof b));
	FACT("mask %#x", ((struct inotify_event *)b)->mask);
	close(fd);
	CALL("its last close: three events", read(in, b, sizeof b));
	FACT("masks %#x %#x %#x", ((struct inotify_event *)b)[0].mask, ((struct inotify_event *)b)[1].mask, ((struct inotify_event *)b)[2].mask);
	CALL("bad mask", inotify_add_watch(in, "d", 1 << 20));
	CALL("no such file", inotify_add_watch(in, "nothing", IN_CREATE));
	CALL("not an inotify", inotify_add_watch(0, "d", IN_CREATE));
	CALL("bad flags", inotify_init1(1));
	close(in);
	CALL("the other goes on", ({ put_file("d/last", ""); read(other, b, 32); }));
}
