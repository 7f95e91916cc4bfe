// BusyBox's system applets: uname, hostname, id, env, ps, mount, umount, chroot, date, free, uptime, sysctl, unshare.
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
	sh("uname -s; uname -n; hostname; uname -o; id; id -u user; whoami; su user -c id");
	sh("env -i A=b env; env -u HOME sh -c 'echo [$HOME]'");
	sh("ps -o comm | grep -c '^init$'; ps | head -n 1");
	sh("mkdir m; mount -t tmpfs -o size=64k none m; grep -c \"$PWD/m \" /proc/mounts; dd if=/dev/zero of=m/f bs=1k count=100 2>&1 | tail -n 1");
	sh("stat -f -c '%T %s %b' m; df -P m | tail -n 1 | tr -s ' ' | cut -d' ' -f2,4,5; umount m; ls m");
	sh("date -u -d @86400 +%FT%TZ");
	sh("mkdir -p root/bin; cp /bin/busybox root/bin/; chroot root /bin/busybox ls -F /; chroot root /nothing; echo $?");
	sh("free | sed -n 's/^\\(Mem\\|Swap\\):.*/\\1/p'; uptime | grep -c 'load average'");
	sh("sysctl -n kernel.ostype; cat /proc/sys/kernel/hostname; time -p true 2>&1 | cut -d' ' -f1; tty");
	sh("echo '#!/bin/busybox sh\necho via busybox' > s; chmod +x s; ./s; busybox | head -n 1 | cut -c1-7");
	sh("unshare -u sh -c 'hostname inner; hostname'; hostname; which ls sh; [ -t 0 ]; echo $?");
}
