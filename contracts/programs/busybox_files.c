// BusyBox's file applets: mkdir, cp, mv, ln, rm, chmod, touch, stat, find, du, ls, dd, mktemp, readlink.
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
	sh("mkdir -p a/b/c && echo text > a/b/c/file && find a | sort");
	sh("cp -r a copy && cmp a/b/c/file copy/b/c/file && echo same");
	sh("mv copy/b/c/file copy/moved && ls -R copy");
	sh("ln a/b/c/file hard && ln -s a/b/c/file soft && stat -c '%h %F %s' hard soft && readlink soft");
	sh("chmod 640 hard && stat -c %a a/b/c/file; chmod u+x,g-r,o=w hard; stat -c %A hard");
	sh("touch -t 202001020304.05 hard && stat -c %Y hard; date -u -r hard +%FT%T");
	sh("chown 7:8 hard && stat -c %u:%g hard");
	sh("dd if=/dev/zero of=zeros bs=1024 count=3 2>/dev/null; stat -c '%s' zeros; od -An -c zeros | head -n 1");
	sh("dd if=zeros of=part bs=100 skip=1 count=2 seek=3 conv=notrunc 2>&1 | head -n 2; stat -c %s part");
	sh("truncate -s 5000 sparse && stat -c '%s %b' sparse");
	sh("rm -r copy; ls copy; rmdir a; rmdir a/b/c; echo $?");
	sh("rm a/b/c/file && cat soft; cat hard");
	sh("f=$(mktemp ./tmp.XXXXXX) && stat -c '%a %s' $f && rm $f");
	sh("mkdir -m 700 priv && stat -c %a priv; umask 077; mkdir x; stat -c %a x");
	sh("touch a1 a2 b1; echo a* [!a]1 ?2; find . -name 'a[0-9]' -exec echo found {} + | wc -w");
	sh("mkfifo p; (echo through the pipe > p &) ; cat p; test -p p && echo fifo");
	sh("mknod null c 1 3 && echo gone > null && stat -c '%t:%T' null");
	sh("ls -l /dev/null | cut -c1-10; ls -ld /tmp | cut -c1-10; sync; df -P /proc | tail -n 1 | cut -d' ' -f1");
	sh("pwd | sed 's/[0-9]*$/N/'; cd /; pwd; cd proc/self/../..; pwd -P | sed 's/[0-9]*$//'");
}
