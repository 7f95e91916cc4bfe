// inotify(7): renames over files and between directories, links, attributes, masks, one-shot, removal, unmount.
#include "contract.h"

static int in;
static void events(const char *name)
{
	static char b[4096] __attribute__((aligned(8)));
	static const struct { unsigned bit; const char *name; } bits[] = { { 1, "ACCESS" }, { 2, "MODIFY" }, { 4, "ATTRIB" }, { 8, "CLOSE_WRITE" },
		{ 16, "CLOSE_NOWRITE" }, { 32, "OPEN" }, { 64, "MOVED_FROM" }, { 128, "MOVED_TO" }, { 256, "CREATE" }, { 512, "DELETE" },
		{ 1024, "DELETE_SELF" }, { 2048, "MOVE_SELF" }, { 0x2000, "UNMOUNT" }, { 0x4000, "OVERFLOW" }, { 0x8000, "IGNORED" }, { 1u << 30, "ISDIR" } };
	char text[1024] = "";
	unsigned cookie = 0;
	for (ssize_t n; (n = read(in, b, sizeof b)) > 0;)
		for (char *p = b; p < b + n;) {
			struct inotify_event *e = (void *)p;
			sprintf(text + strlen(text), " %d", e->wd);
			for (int i = 0; i < COUNT_OF(bits); i++)
				if (e->mask & bits[i].bit)
					sprintf(text + strlen(text), ":%s", bits[i].name);
			if (e->len)
				sprintf(text + strlen(text), ":%s", e->name);
			if (e->cookie && e->cookie == cookie)
				strcat(text, ":pair");
			cookie = e->cookie;
			p += sizeof *e + e->len;
		}
	FACT("%s:%s", name, text);
}

int main(void)
{
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	mkdir("a", 0755);
	mkdir("b", 0755);
	put_file("a/f", "");
	put_file("b/old", "");
	CALL("watch a", inotify_add_watch(in, "a", IN_ALL_EVENTS & ~IN_ACCESS));
	CALL("watch b", inotify_add_watch(in, "b", IN_MOVE | IN_DELETE | IN_CREATE));
	CALL("watch b/old", inotify_add_watch(in, "b/old", IN_ALL_EVENTS));
	rename("a/f", "b/old"), events("rename over another");
	rename("b/old", "b/new"), events("within a directory");
	rename("b/new", "c"), events("out of sight");
	rename("c", "a/in"), events("into sight");
	link("a/in", "a/link"), events("link");
	chmod("a/in", 0600), events("chmod");
	unlink("a/link"), events("unlink of one name");
	symlink("x", "a/sym"), events("symlink");
	mkdir("a/dir", 0755), events("mkdir");
	rename("a/dir", "b/dir"), events("a directory moves");
	truncate("a/in", 10), events("truncate");
	utimes("a/in", NULL), events("utimes");
	int fd = open("a/in", O_RDWR | O_APPEND);
	write(fd, "x", 1), write(fd, "y", 1), events("open, two writes: one event");
	close(fd), events("close");
	unlink("a/in"), events("unlink");
	CALL("a mask of nothing", inotify_add_watch(in, "a", 0));
	CALL("IN_MASK_ADD", inotify_add_watch(in, "a", IN_DELETE_SELF | IN_MASK_ADD));
	CALL("IN_MASK_CREATE", inotify_add_watch(in, "a", IN_CREATE | IN_MASK_CREATE));
	put_file("b/once", "");
	events("created");
	int w = CALL("one-shot", inotify_add_watch(in, "b/once", IN_OPEN | IN_ONESHOT));
	close(open("b/once", O_RDONLY)), events("open");
	close(open("b/once", O_RDONLY)), events("again");
	CALL("not a directory", inotify_add_watch(in, "b/once", IN_OPEN | IN_ONLYDIR));
	unlink("a/sym"), rmdir("a"), events("rmdir of the watched");
	mkdir("m", 0755);
	MUST(mount("none", "m", "tmpfs", 0, NULL));
	CALL("watch a mount", inotify_add_watch(in, "m", IN_CREATE));
	umount("m"), events("unmount");
}
