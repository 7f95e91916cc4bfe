// execve(2), ld.so(8): Debian's dash, a dynamic program, runs scripts and pipelines; the loader run as a program.
// files: dash
// timeout: 60
#include "contract.h"

static void run(const char *name, char **argv, char **envp)
{
	pid_t pid;
	FACT("--- %s", name);
	CHILD(pid)
	{
		execve(argv[0], argv, envp);
		FACT("execve: %s", errno_name(errno));
	}
	int status = REAP(pid);
	if (status != 0)
		SAY_STATUS("status", status);
}

int main(void)
{
#ifdef __x86_64__
	char *loader = "/lib64/ld-linux-x86-64.so.2";
#else
	char *loader = "/lib/ld-linux-aarch64.so.1";
#endif
	char *env[] = { "PATH=/bin", NULL };
	run("a script", (char *[]){ "/bin/dash", "-c", "x=1; while [ $x -lt 4 ]; do echo $x; x=$((x + 1)); done; echo $0 $1", "zero", "one", NULL }, env);
	run("a pipeline", (char *[]){ "/bin/dash", "-c", "echo pipe | { read x; echo got $x; exit 4; }", NULL }, env);
	run("substitution", (char *[]){ "/bin/dash", "-c", "x=$(echo inner); echo \"<$x>\"; exit 5", NULL }, env);
	run("by the loader", (char *[]){ loader, "/bin/dash", "-c", "echo loaded; exit 2", NULL }, env);
	run("--list", (char *[]){ "/bin/dash", "-c", "ld=$0; $ld --list /bin/dash | while read a b c; do case $a in libc*) echo $a;; esac; done", loader, NULL }, env);
	run("--verify of no program", (char *[]){ loader, "--verify", "/contracts/LIST", NULL }, env);
	run("a library path that is empty", (char *[]){ loader, "--inhibit-cache", "--library-path", "/nothing", "/bin/dash", "-c", "echo found", NULL }, env);
	run("a static library path", (char *[]){ "/bin/dash", "-c", "echo kept", NULL }, (char *[]){ "LD_LIBRARY_PATH=/nothing", NULL });
	run("a preload that is missing", (char *[]){ "/bin/dash", "-c", "echo ran", NULL }, (char *[]){ "LD_PRELOAD=/nothing.so", NULL });
	run("LD_BIND_NOW", (char *[]){ "/bin/dash", "-c", "echo bound", NULL }, (char *[]){ "LD_BIND_NOW=1", NULL });
	put_file("script", "#!/bin/dash\necho script $# $1\n");
	chmod("script", 0755);
	run("a script's interpreter", (char *[]){ "./script", "a b", NULL }, env);
	put_file("hello", "echo from stdin; exit 8\n");
	close(0);
	open("hello", O_RDONLY);
	run("standard input", (char *[]){ "/bin/dash", NULL }, env);
	run("signals", (char *[]){ "/bin/dash", "-c", "trap 'echo got it' USR1; kill -USR1 $$; kill -9 $$", NULL }, env);
}
