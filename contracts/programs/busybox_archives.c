// BusyBox's archivers: tar, cpio, gzip, bzip2 keep names, modes, links, times and content.
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
	sh("mkdir -p d/sub; seq 1 2000 > d/numbers; ln -s numbers d/link; ln d/numbers d/sub/hard; chmod 4751 d/numbers");
	sh("touch -t 200102030405 d/numbers; mkfifo d/fifo; mknod d/dev c 1 5");
	sh("tar cf t.tar d && tar tf t.tar | sort");
	sh("mkdir out && tar xpf t.tar -C out && cmp d/numbers out/d/numbers && stat -c '%a %Y %h' out/d/numbers");
	sh("readlink out/d/link; stat -c %F out/d/fifo out/d/dev; test out/d/numbers -ef out/d/sub/hard && echo linked");
	sh("tar cf - d | gzip > t.tgz && zcat t.tgz | tar t | wc -l; gzip -t t.tgz && echo intact");
	sh("gzip -c d/numbers > n.gz; gunzip -c n.gz | md5sum; bzip2 -c d/numbers | bunzip2 -c | cmp - d/numbers && echo same");
	sh("(cd d && find . | sort | cpio -o -H newc 2>/dev/null) > c.cpio; mkdir co; cd co; cpio -id < ../c.cpio 2>/dev/null; ls");
	sh("cmp d/numbers co/numbers && stat -c '%a %h' co/numbers");
	sh("dd if=t.tgz of=cut.tgz bs=100 count=1 2>/dev/null; gzip -t cut.tgz 2>/dev/null; echo $?");
	sh("tar cf - d | (mkdir piped; cd piped; tar xf -); find piped -type f | sort");
	sh("tar tf nothing.tar 2>/dev/null; echo $?");
}
