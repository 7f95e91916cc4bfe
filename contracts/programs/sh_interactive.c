// sh(1): an interactive shell on a terminal: prompt, line editing off, ^C, ^Z, fg, ^D.
// tty
// files: busybox
// timeout: 30
#include "contract.h"

static char seen[4096];
static int length;
// await collects the shell's output until a text appears in it.
static bool await(const char *text)
{
	for (long long end = now_ms() + 10000; now_ms() < end;) {
		struct pollfd p = { 9, POLLIN, 0 };
		if (poll(&p, 1, 100) == 1) {
			ssize_t n = read(9, seen + length, sizeof seen - 1 - length);
			length += n > 0 ? n : 0;
		}
		seen[length] = 0;
		if (strstr(seen, text))
			return true;
	}
	FACT("not seen: %s", text);
	return false;
}
static void type(const char *keys)
{
	length = 0;
	write(9, keys, strlen(keys));
}

int main(void)
{
	struct termios t;
	tcgetattr(0, &t);
	t.c_lflag &= ~ECHO;
	tcsetattr(0, TCSANOW, &t);
	signal(SIGTTOU, SIG_IGN);
	pid_t pid;
	CHILD(pid)
	{
		setpgid(0, 0);
		tcsetpgrp(0, getpgrp());
		signal(SIGTTOU, SIG_DFL);
		dup2(0, 1);
		dup2(0, 2);
		close(9);
		setenv("PS1", "READY> ", 1);
		setenv("HISTFILE", "/dev/null", 1);
		execl("/bin/sh", "sh", "-i", NULL);
	}
	IS("a prompt", await("READY> "));
	type("echo $((6 * 7))=answer\n");
	IS("a command", await("42=answer"));
	type("tty | cut -c1-9; echo $?:end\n");
	IS("its terminal", await("/dev/pts/") && await("0:end"));
	// A job takes signals from its terminal once it runs its program: cat says when.
	type("cat; echo st=$?\n");
	EVENTUALLY(tcgetpgrp(9) != pid);
	type("up\n");
	await("up");
	type("\x03");
	IS("^C ends the job and the list", await("READY> "));
	type("echo last=$?\n");
	IS("as a signal does", await("last=130"));
	type("cat\n");
	EVENTUALLY(tcgetpgrp(9) != pid);
	type("up\n");
	await("up");
	type("\x1a");
	IS("^Z stops", await("Stopped"));
	IS("the shell is in front again", EVENTUALLY(tcgetpgrp(9) == pid));
	type("jobs\n");
	IS("jobs", await("cat"));
	type("fg\n");
	EVENTUALLY(tcgetpgrp(9) != pid);
	type("to cat\n");
	IS("fg: it reads again", await("to cat"));
	type("\x04");
	IS("^D ends it", EVENTUALLY(tcgetpgrp(9) == pid));
	type("exit 6\n");
	ENDED("shell", pid);
}
