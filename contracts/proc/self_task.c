// proc(5): /proc/self/task: a directory a thread, names per thread, thread-self, children.
#include "contract.h"

static _Atomic pid_t tid;
static struct gate go;
static void *thread(void *arg)
{
	prctl(PR_SET_NAME, "worker");
	char link[64] = "", want[64];
	readlink("/proc/thread-self", link, sizeof link);
	snprintf(want, sizeof want, "%d/task/%d", getpid(), thread_id());
	IS("thread-self", strcmp(link, want) == 0);
	tid = thread_id();
	gate_wait(go);
	return NULL;
}
static int count(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/task");
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

int main(void)
{
	char path[64], link[32] = "";
	go = gate_new();
	readlink("/proc/self", link, sizeof link);
	IS("/proc/self", atoi(link) == getpid());
	FACT("one thread: %d", count());
	pthread_t t = THREAD(thread, NULL);
	EVENTUALLY(tid != 0);
	FACT("two: %d", count());
	snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
	FACT("its name %s", strtok(get_file(path), "\n"));
	int fd = open(path, O_WRONLY);
	CALL("rename it", write(fd, "renamed by us it is", 19));
	FACT("now %s", strtok(get_file(path), "\n"));
	IS("ours is another", strncmp(get_file("/proc/self/comm"), "renamed", 7) != 0);
	snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
	char *text = get_file(path);
	IS("Tgid and Pid", atoi(line_of(text, "Tgid:")) == getpid() && atoi(line_of(text, "Pid:")) == tid);
	FACT("Threads %s", line_of(text, "Threads:"));
	snprintf(path, sizeof path, "/proc/%d", tid);
	struct stat st;
	CALL("/proc/TID is there", stat(path, &st));
	snprintf(path, sizeof path, "/proc/self/task/%d/fd/0", tid);
	CALL("its descriptors are ours", readlink(path, link, sizeof link));
	snprintf(path, sizeof path, "/proc/%d/task/%d", getppid(), tid);
	CALL("not under another process", stat(path, &st));
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
	IS("children", atoi(get_file(path)) == pid);
	kill(pid, SIGKILL);
	REAP(pid);
	gate_open(go);
	JOIN(t);
	EVENTUALLY(count() == 1);
	FACT("one again: %d", count());
}
