// inotify(7): events of files and directories, cookies of moves, masks, errors.
#include "contract.h"

static int in;
static void drain(const char *name)
{
	char b[4096] __attribute__((aligned(8)));
	uint32_t cookie = 0;
	ssize_t n;
	FACT("%s", name);
	while ((n = read(in, b, sizeof b)) > 0)
		for (char *p = b; p < b + n;) {
			struct inotify_event *e = (void *)p;
			FACT("  wd %d mask %#x '%s'%s", e->wd, e->mask, e->len ? e->name : "",
				e->cookie == 0 ? "" : e->cookie == cookie ? " same cookie" : " cookie");
			cookie = e->cookie;
			p += sizeof *e + e->len;
		}
}

int main(void)
{
	in = inotify_init1(IN_NONBLOCK);
	mkdir("d", 0755);
	CALL("watch", inotify_add_watch(in, "d", IN_ALL_EVENTS));
	put_file("d/f", "x");
	drain("create, write, close");
	close(open("d/f", O_RDONLY));
	drain("open, close");
	rename("d/f", "d/g");
	drain("rename");
	chmod("d/g", 0600);
	drain("chmod");
	mkdir("d/sub", 0755);
	drain("mkdir");
	CALL("watch a file", inotify_add_watch(in, "d/g", IN_DELETE_SELF | IN_MODIFY));
	unlink("d/g");
	drain("unlink");
	CALL("same watch again", inotify_add_watch(in, "d", IN_DELETE_SELF | IN_DELETE));
	rmdir("d/sub");
	drain("rmdir of a directory in it");
	rmdir("d");
	drain("rmdir");
	CALL("remove a gone watch", inotify_rm_watch(in, 1));
	CALL("empty mask", inotify_add_watch(in, ".", 0));
	CALL("missing", inotify_add_watch(in, "missing", IN_MODIFY));
	put_file("f", "");
	CALL("IN_ONLYDIR of a file", inotify_add_watch(in, "f", IN_MODIFY | IN_ONLYDIR));
	CALL("nothing to read", read(in, (char[64]){ 0 }, 64));
}
