// proc(5): /proc/sys/kernel and fs: names that programs read, writing the host name, rights.
#include "contract.h"
#include <sys/utsname.h>

static void shape(const char *path)
{
	char *text = get_file(path);
	struct stat st = { 0 };
	stat(path, &st);
	FACT("%s: size %d, one line %d, number %d", path, (int)st.st_size,
	     strchr(text, '\n') == text + strlen(text) - 1, text[0] >= '0' && text[0] <= '9');
}

int main(void)
{
	struct utsname u;
	uname(&u);
	IS("ostype", strcmp(strtok(get_file("/proc/sys/kernel/ostype"), "\n"), u.sysname) == 0);
	IS("osrelease", strcmp(strtok(get_file("/proc/sys/kernel/osrelease"), "\n"), u.release) == 0);
	IS("version", strcmp(strtok(get_file("/proc/sys/kernel/version"), "\n"), u.version) == 0);
	FACT("hostname %s", strtok(get_file("/proc/sys/kernel/hostname"), "\n"));
	const char *names[] = { "kernel/pid_max", "kernel/threads-max", "kernel/ngroups_max", "kernel/cap_last_cap", "kernel/shmmax",
		"kernel/msgmax", "kernel/overflowuid", "fs/file-max", "fs/nr_open",
		"fs/pipe-max-size", "fs/file-nr", "vm/overcommit_memory", "vm/max_map_count", "vm/mmap_min_addr", "net/core/somaxconn" };
	for (int i = 0; i < COUNT_OF(names); i++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/sys/%s", names[i]);
		shape(path);
	}
	FACT("ngroups_max %d overflowuid %d", atoi(get_file("/proc/sys/kernel/ngroups_max")), atoi(get_file("/proc/sys/kernel/overflowuid")));
	FACT("nr_open %d pipe-max-size %d", atoi(get_file("/proc/sys/fs/nr_open")), atoi(get_file("/proc/sys/fs/pipe-max-size")));
	char one[64];
	strcpy(one, get_file("/proc/sys/kernel/random/uuid"));
	IS("each uuid is another", strcmp(one, get_file("/proc/sys/kernel/random/uuid")) != 0 && strlen(one) == 37);
	strcpy(one, get_file("/proc/sys/kernel/random/boot_id"));
	IS("the boot's is the same", strcmp(one, get_file("/proc/sys/kernel/random/boot_id")) == 0);
	MUST(unshare(CLONE_NEWUTS));
	int fd = MUST(open("/proc/sys/kernel/hostname", O_RDWR));
	CALL("write the host name", write(fd, "renamed\n", 8));
	uname(&u);
	FACT("uname says %s", u.nodename);
	CALL("osrelease is read-only", open("/proc/sys/kernel/osrelease", O_WRONLY) >= 0 ? write(fd, "x", 0) : -1);
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		CALL("a user writes", open("/proc/sys/kernel/hostname", O_WRONLY));
	}
	REAP(pid);
	CALL("no such name", open("/proc/sys/kernel/nothing", O_RDONLY));
	CALL("create", open("/proc/sys/kernel/new", O_CREAT | O_WRONLY, 0644));
}
