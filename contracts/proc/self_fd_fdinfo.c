// proc(5): /proc/self/fd and fdinfo: names, links, modes, position and flags; opening a link anew.
#include "contract.h"

static void link_of(const char *name, int fd)
{
	char path[64], text[256] = "";
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	readlink(path, text, sizeof text - 1);
	char *p = strrchr(text, '/');
	text[strcspn(text, "[")] = 0;
	FACT("%s: %s", name, p ? p : text);
}
static void info(const char *name, int fd)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	char *text = get_file(path);
	FACT("%s: pos %s flags %s", name, line_of(text, "pos:"), line_of(text, "flags:"));
	FACT("mount id %d inode %d", strstr(text, "mnt_id:") != NULL, strstr(text, "ino:") != NULL);
}

int main(void)
{
	int f = open("file", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644), p[2], e = eventfd(7, 0), ep = epoll_create1(0);
	pipe(p);
	write(f, "12345", 5);
	link_of("file", f);
	link_of("pipe", p[0]);
	link_of("eventfd", e);
	link_of("epoll", ep);
	link_of("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	unlink("file");
	link_of("deleted", f);
	info("file", f);
	info("pipe", p[1]);
	char path[64];
	struct stat st;
	snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
	lstat(path, &st);
	FACT("link of the read end: mode %o size %d", st.st_mode, (int)st.st_size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", p[1]);
	lstat(path, &st);
	FACT("of the write end: mode %o", st.st_mode);
	snprintf(path, sizeof path, "/proc/self/fd/%d", f);
	int again = open(path, O_RDONLY);
	char b[8] = "";
	CALL("the deleted file opens", read(again, b, 8));
	IS("at an offset of its own", lseek(f, 0, SEEK_CUR) == 5 && strcmp(b, "12345") == 0);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", e);
	FACT("eventfd-count: %s", line_of(get_file(path), "eventfd-count:"));
	struct epoll_event ev = { EPOLLIN, { .u64 = 0x1234 } };
	epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", ep);
	IS("epoll tells its members", strstr(get_file(path), "tfd:") != NULL && strstr(get_file(path), "data:             1234") != NULL);
	CALL("no such descriptor", readlink("/proc/self/fd/77", b, 8));
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	for (struct dirent *de; (de = readdir(d)) != NULL;)
		n += de->d_name[0] != '.';
	FACT("descriptors %d", n);
	CALL("create there", open("/proc/self/fd/x", O_CREAT | O_RDWR, 0644));
	CALL("unlink there", unlink("/proc/self/fd/0"));
}
