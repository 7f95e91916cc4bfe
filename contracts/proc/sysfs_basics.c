// sysfs(5): the names that programs look for: processors, classes, attributes as one line, read-only and unchangeable.
#include "contract.h"

int main(void)
{
	char *text = get_file("/sys/devices/system/cpu/online"), want[16];
	int n = sysconf(_SC_NPROCESSORS_ONLN);
	snprintf(want, sizeof want, n == 1 ? "0\n" : "0-%d\n", n - 1);
	IS("online processors", strcmp(text, want) == 0);
	IS("possible", get_file("/sys/devices/system/cpu/possible")[0] == '0');
	IS("present", get_file("/sys/devices/system/cpu/present")[0] == '0');
	struct stat st;
	CALL("cpu0", stat("/sys/devices/system/cpu/cpu0", &st));
	CALL("topology", stat("/sys/devices/system/cpu/cpu0/topology/core_id", &st));
	FACT("an attribute: mode %o size %d", ({ stat("/sys/devices/system/cpu/online", &st); st.st_mode; }), (int)st.st_size);
	const char *dirs[] = { "/sys/block", "/sys/bus", "/sys/class", "/sys/dev/char", "/sys/dev/block", "/sys/devices", "/sys/firmware",
		"/sys/fs", "/sys/fs/cgroup", "/sys/kernel", "/sys/module", "/sys/class/tty", "/sys/class/mem", "/sys/class/net" };
	for (int i = 0; i < COUNT_OF(dirs); i++) {
		int r = stat(dirs[i], &st);
		FACT("%s: %s %o", dirs[i], r == 0 ? "there" : errno_name(errno), r == 0 ? st.st_mode : 0);
	}
	char link[128] = "";
	readlink("/sys/class/mem/null", link, sizeof link - 1);
	FACT("/sys/class/mem/null -> %s", link);
	FACT("dev %s", strtok(get_file("/sys/class/mem/null/dev"), "\n"));
	FACT("uevent %s", line_of(get_file("/sys/class/mem/null/uevent"), "DEVNAME="));
	memset(link, 0, sizeof link);
	readlink("/sys/dev/char/1:3", link, sizeof link - 1);
	FACT("/sys/dev/char/1:3 -> %s", link);
	FACT("lo: mtu %s", strtok(get_file("/sys/class/net/lo/mtu"), "\n"));
	CALL("write to an attribute", open("/sys/devices/system/cpu/online", O_WRONLY) < 0 ? -1 : 0);
	CALL("mkdir", mkdir("/sys/new", 0755));
	CALL("unlink", unlink("/sys/devices/system/cpu/online"));
	CALL("create", open("/sys/new", O_CREAT | O_RDWR, 0644));
	struct statfs f;
	statfs("/sys", &f);
	FACT("type %#lx", (long)f.f_type);
	int fd = open("/sys/devices/system/cpu/online", O_RDONLY);
	char c;
	CALL("a byte", read(fd, &c, 1));
	CALL("again from the start", pread(fd, &c, 1, 0));
	FACT("'%c'", c);
}
