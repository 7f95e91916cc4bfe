// proc(5): /proc/filesystems, devices, swaps, interrupts, vmstat, locks, net: forms.
#include "contract.h"

static void has(const char *path, const char *what)
{
	char *text = get_file(path);
	char shown[64];
	int n = 0;
	for (const char *p = what; *p && n < 60; p++)
		if (*p == '\t')
			n += sprintf(shown + n, "\\t");
		else if (*p != '\n')
			shown[n++] = *p;
	shown[n] = 0;
	FACT("%s has '%s': %d", path, shown, strstr(text, what) != NULL);
}

int main(void)
{
	has("/proc/filesystems", "nodev\ttmpfs\n");
	has("/proc/filesystems", "nodev\tproc\n");
	has("/proc/filesystems", "nodev\tsysfs\n");
	has("/proc/filesystems", "nodev\tdevtmpfs\n");
	has("/proc/filesystems", "nodev\tdevpts\n");
	has("/proc/filesystems", "nodev\tcgroup2\n");
	has("/proc/filesystems", "nodev\tmqueue\n");
	has("/proc/devices", "Character devices:\n");
	has("/proc/devices", "\nBlock devices:\n");
	has("/proc/devices", "  1 mem\n");
	has("/proc/devices", "  5 /dev/tty\n");
	has("/proc/devices", "  5 /dev/ptmx\n");
	has("/proc/devices", "136 pts\n");
	has("/proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	has("/proc/interrupts", "CPU0");
	has("/proc/vmstat", "nr_free_pages ");
	has("/proc/vmstat", "\npgfault ");
	has("/proc/net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n");
	has("/proc/net/dev", "    lo:");
	has("/proc/net/tcp", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode");
	has("/proc/self/net/udp", "  sl  local_address");
	has("/proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
	has("/proc/consoles", "(");
	has("/proc/tty/drivers", "pty_slave");
	int fd = MUST(open("lock", O_CREAT | O_RDWR, 0644));
	flock(fd, LOCK_EX);
	has("/proc/locks", "FLOCK  ADVISORY  WRITE ");
}
