// BusyBox's text applets: what cat, sort, cut, tr, wc, head, tail, uniq, sed, awk and grep print.
// files: busybox
// timeout: 60
#include "contract.h"

static void sh(const char *script)
{
	pid_t pid;
	FACT("$ %s", script);
	CHILD(pid) { execl("/bin/sh", "sh", "-c", script, NULL); }
	int status = REAP(pid);
	if (status != 0)
		SAY_STATUS("status", status);
}

int main(void)
{
	put_file("fruit", "pear 3\napple 10\nplum 7\napple 2\n");
	sh("cat fruit | wc");
	sh("sort fruit");
	sh("sort -k2 -n fruit | head -n 2");
	sh("cut -d' ' -f1 fruit | sort | uniq -c");
	sh("tr a-z A-Z < fruit | tail -n 1");
	sh("sed -n 's/apple/orange/p' fruit");
	sh("sed -i '/plum/d' fruit && cat fruit");
	sh("awk '{ n += $2 } END { print n, NR }' fruit");
	sh("grep -c apple fruit; grep -q banana fruit; echo $?");
	sh("printf '%s-%03d\\n' x 7 y 42");
	sh("seq 1 3 | tac | paste -sd+ - | sed 's/$//'");
	sh("echo hello | md5sum; echo hello | sha256sum | cut -c1-16");
	sh("echo aGVsbG8K | base64 -d; echo hi | od -An -tx1; printf abc | rev; echo");
	sh("yes | head -n 3 | nl | tail -n 1");
	sh("printf 'a\\nb\\n' > x; printf 'a\\nc\\n' > y; diff x y | tail -n 2; cmp x y");
	sh("expr 6 \\* 7; basename /a/b.c .c; dirname /a/b.c; test 3 -gt 2 && echo yes");
	sh("echo 'one two' | xargs -n 1 echo item");
	sh("nothing_of_this_name; echo $?");
}
