// popen(3), system(3), posix_spawn(3), tmpfile(3), getline(3), fmemopen(3): Debian's C library's processes and streams.
// libc: glibc
// files: busybox
#include "contract.h"
#include <spawn.h>

int main(void)
{
	char line[64];
	FILE *f = popen("echo from popen; exit 3", "r");
	FACT("%s", strtok(fgets(line, sizeof line, f), "\n"));
	SAY_STATUS("pclose", pclose(f));
	SAY_STATUS("system", system("exit 7"));
	SAY_STATUS("system of nothing", system("nothing_like_it 2>/dev/null"));
	FACT("system(NULL) %d", system(NULL) != 0);
	f = popen("tr a-z A-Z", "w");
	fputs("written\n", f);
	pclose(f);
	posix_spawn_file_actions_t a;
	posix_spawn_file_actions_init(&a);
	posix_spawn_file_actions_addopen(&a, 1, "out", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	posix_spawn_file_actions_addclose(&a, 0);
	posix_spawnattr_t at;
	posix_spawnattr_init(&at);
	posix_spawnattr_setflags(&at, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	sigset_t usr1 = set_of(SIGUSR1);
	posix_spawnattr_setsigmask(&at, &usr1);
	pid_t pid;
	ERR("posix_spawn", posix_spawn(&pid, "/bin/sh", &a, &at, (char *[]){ "sh", "-c", "echo spawned; grep SigBlk /proc/self/status", NULL }, environ));
	ENDED("it", pid);
	FACT("%s", get_file("out"));
	ERR("of nothing", posix_spawn(&pid, "/nothing", NULL, NULL, (char *[]){ "x", NULL }, environ));
	ERR("posix_spawnp", posix_spawnp(&pid, "true", NULL, NULL, (char *[]){ "true", NULL }, environ));
	f = tmpfile();
	fprintf(f, "one\ntwo\nthree\n");
	rewind(f);
	char *text = NULL;
	size_t n = 0;
	while (getline(&text, &n, f) > 0)
		FACT("line %s", strtok(text, "\n"));
	FACT("end %d, at %ld", feof(f) != 0, ftell(f));
	fseek(f, 4, SEEK_SET);
	int scanned = fscanf(f, "%31s", line);
	FACT("%d %s", scanned, line);
	f = fopen("file", "w+");
	setvbuf(f, NULL, _IOLBF, 100);
	fputs("line\npart", f);
	struct stat st;
	stat("file", &st);
	FACT("line-buffered: %d bytes are out", (int)st.st_size);
	fclose(f);
	stat("file", &st);
	FACT("closed: %d", (int)st.st_size);
	CALL("fopen x", fopen("file", "wx") ? 0 : -1);
	f = fopen("file", "a");
	fputs("+", f);
	FACT("append at %ld", ftell(f));
	fclose(f);
	char name[] = "tmpXXXXXX";
	OK("mkstemp", mkstemp(name));
	stat(name, &st);
	FACT("mode %o", st.st_mode & 0777);
	FILE *null = freopen("/dev/null", "w", stderr);
	fprintf(stderr, "gone\n");
	CALL("remove of a directory", ({ mkdir("d", 0755); remove("d"); }));
}
