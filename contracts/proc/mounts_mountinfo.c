// proc(5): /proc/self/mounts and mountinfo: fields, options, escapes, changes, poll.
#include "contract.h"

static char *find(const char *file, const char *point)
{
	static char line[512];
	char *text = get_file(file), *save = NULL;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (strstr(l, point))
			return strcpy(line, l);
	return strcpy(line, "none");
}

int main(void)
{
	char dir[PATH_MAX], escaped[PATH_MAX + 8];
	mkdir("a b", 0755);
	getcwd(dir, sizeof dir);
	int fd = MUST(open("/proc/self/mounts", O_RDONLY));
	struct pollfd p = { fd, POLLPRI, 0 };
	FACT("quiet: %d", poll(&p, 1, 0));
	CALL("mount", mount("some thing", "a b", "tmpfs", MS_NOSUID | MS_NODEV | MS_RELATIME, "size=1m,mode=750"));
	int n_ready = poll(&p, 1, 0);
	FACT("a change: poll %d ERR %d PRI %d", n_ready, !!(p.revents & POLLERR), !!(p.revents & POLLPRI));
	snprintf(escaped, sizeof escaped, "%s/a\\040b", dir);
	FACT("mounts: %.58s", strstr(find("/proc/self/mounts", escaped), "/a\\040b") ?: "none");
	FACT("device: %.14s", find("/proc/self/mounts", escaped));
	int id, parent, major, minor, n = 0;
	char root[64], point[256], options[64], type[32], source[32], super[64];
	char *line = find("/proc/self/mountinfo", escaped);
	FACT("mountinfo fields %d", sscanf(line, "%d %d %d:%d %63s %255s %63s - %31s %31s %63s", &id, &parent, &major, &minor, root, point,
	     options, type, source, super));
	FACT("root %s options %s type %s source %s super %.22s", root, options, type, source, super);
	struct stat st;
	stat("a b", &st);
	IS("the device number", (int)(st.st_dev >> 8 & 0xfff) == major && (int)((st.st_dev & 0xff) | (st.st_dev >> 12 & 0xfff00)) == minor);
	CALL("remount read-only", mount(NULL, "a b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	sscanf(find("/proc/self/mountinfo", escaped), "%d %d %d:%d %63s %255s %63s - %31s %31s %63s", &id, &parent, &major, &minor, root,
	       point, options, type, source, super);
	FACT("options %s super %.2s", options, super);
	CALL("umount", umount("a b"));
	FACT("gone: %s", find("/proc/self/mountinfo", escaped));
	char link[64] = "";
	readlink("/proc/mounts", link, sizeof link);
	FACT("/proc/mounts is %s", link);
	IS("proc is in it", strcmp(find("/proc/mounts", " /proc "), "none") != 0);
	FACT("%.16s", find("/proc/mounts", " /proc "));
	FACT("mountstats: %s", strstr(find("/proc/self/mountstats", " /proc "), "mounted on"));
}
