// cgroups(7), proc(5): a cgroup2 hierarchy: /proc/self/cgroup's line, making a group, moving into it, counting processes.
#include "contract.h"

int main(void)
{
	mkdir("cg", 0755);
	CALL("mount", mount("none", "cg", "cgroup2", 0, NULL));
	FACT("cgroup: %s", line_of(get_file("/proc/self/cgroup"), "0::"));
	struct statfs f;
	statfs("cg", &f);
	FACT("type %#lx", (long)f.f_type);
	CALL("mkdir", mkdir("cg/contract", 0755));
	FACT("empty: '%s'", get_file("cg/contract/cgroup.procs"));
	FACT("%s", line_of(get_file("cg/contract/cgroup.events"), "populated"));
	FACT("type %s", strtok(get_file("cg/contract/cgroup.type"), "\n"));
	pid_t pid;
	CHILD(pid)
	{
		int fd = MUST(open("cg/contract/cgroup.procs", O_WRONLY));
		CALL("move", write(fd, "0", 1));
		FACT("cgroup: %s", line_of(get_file("/proc/self/cgroup"), "0::"));
		IS("listed", atoi(get_file("cg/contract/cgroup.procs")) == getpid());
		FACT("populated %s", line_of(get_file("cg/contract/cgroup.events"), "populated"));
		pid_t inner;
		CHILD(inner) { FACT("inherited: %s", line_of(get_file("/proc/self/cgroup"), "0::")); }
		REAP(inner);
		CALL("rmdir of a populated one", rmdir("cg/contract"));
	}
	REAP(pid);
	int fd = MUST(open("cg/contract/cgroup.procs", O_WRONLY));
	CALL("no such process", write(fd, "99999", 5));
	CALL("no number", write(fd, "x", 1));
	close(fd);
	CALL("rmdir", rmdir("cg/contract"));
	CALL("create a file", open("cg/file", O_CREAT | O_RDWR, 0644));
	CALL("umount", umount("cg"));
}
