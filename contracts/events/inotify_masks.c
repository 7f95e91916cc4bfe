// inotify(7): one shot, excluded names, equal events, sizes, reading, polling, moved and unlinked files, unmounting.
#include "contract.h"

static int in;
static void drain(const char *name)
{
	char b[4096] __attribute__((aligned(8)));
	ssize_t n;
	FACT("%s", name);
	while ((n = read(in, b, sizeof b)) > 0)
		for (char *p = b; p < b + n;) {
			struct inotify_event *e = (void *)p;
			FACT("  wd %d mask %#x len %u '%s'%s", e->wd, e->mask, e->len, e->len ? e->name : "", e->cookie ? " cookie" : "");
			p += sizeof *e + e->len;
		}
}

int main(void)
{
	CALL("bad flag", inotify_init1(1));
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	mkdir("d", 0755);
	CALL("one shot", inotify_add_watch(in, "d", IN_CREATE | IN_ONESHOT));
	put_file("d/a", ""), put_file("d/b", "");
	drain("two files");
	CALL("all", inotify_add_watch(in, "d", IN_ALL_EVENTS | IN_EXCL_UNLINK));
	CALL("IN_MASK_CREATE", inotify_add_watch(in, "d", IN_CREATE | IN_MASK_CREATE));
	CALL("IN_MASK_CREATE and ADD", inotify_add_watch(in, "d", IN_CREATE | IN_MASK_CREATE | IN_MASK_ADD));
	CALL("not inotify", inotify_add_watch(0, "d", IN_CREATE));
	int fd = open("d/a", O_RDWR);
	write(fd, "x", 1), write(fd, "x", 1), write(fd, "x", 1);
	drain("equal events are one");
	unlink("d/a");
	write(fd, "x", 1), close(fd);
	drain("an unlinked name is excluded");
	CALL("watch without exclusion", inotify_add_watch(in, "d", IN_MODIFY | IN_CLOSE_WRITE));
	fd = open("d/b", O_RDWR);
	unlink("d/b");
	write(fd, "x", 1), close(fd);
	drain("not excluded");
	CALL("add to the mask", inotify_add_watch(in, "d", IN_MOVE | IN_ATTRIB | IN_MASK_ADD));
	put_file("d/a-name-of-some-length", "x"), put_file("over", "");
	int over = inotify_add_watch(in, "over", IN_ALL_EVENTS);
	IS("next number", over == 3);
	rename("d/a-name-of-some-length", "over");
	drain("moved out, over a watched file");
	struct timespec t[2] = { { 1, 0 }, { 0, UTIME_OMIT } };
	put_file("d/t", "");
	inotify_add_watch(in, "d", IN_ALL_EVENTS);
	drain("-");
	utimensat(AT_FDCWD, "d/t", t, 0);
	t[0].tv_nsec = UTIME_OMIT, t[1] = (struct timespec){ 1, 0 };
	utimensat(AT_FDCWD, "d/t", t, 0);
	truncate("d/t", 5), truncate("d/t", 5);
	close(open("d/t", O_RDONLY | O_TRUNC));
	link("d/t", "d/u"), chmod("d", 0700), chown("d/t", 0, 0);
	drain("times, truncation, link, mode");
	syscall(SYS_renameat2, AT_FDCWD, "d/t", AT_FDCWD, "d/u", 2);
	mkdir("e", 0755), rename("e", "d/e"), rename("d/e", "f"), rename("d", "g");
	close(open("g", O_RDONLY));
	drain("exchange of one file, directories, the watched itself, its open");
	put_file("g/x", "");
	char small[20];
	CALL("too small", read(in, small, sizeof small));
	struct pollfd p = { in, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	int n = 0;
	ioctl(in, FIONREAD, &n);
	FACT("poll %#x readable %d", p.revents, n);
	CALL("exactly one", read(in, (char[32]){ 0 }, 32));
	CALL("write", write(in, small, 1));
	drain("the rest");
	CALL("remove", inotify_rm_watch(in, 2));
	drain("removed");
	CALL("bad number", inotify_rm_watch(in, 77));
	mkdir("m", 0755);
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("x", "m", "tmpfs", 0, NULL));
	CALL("on a mount", inotify_add_watch(in, "m", IN_CREATE));
	umount("m");
	drain("unmounted");
}
