// syslog(2): sizes, reading, the console's level, rights, errors.
#include "contract.h"
#include <sys/klog.h>

int main(void)
{
	static char b[1 << 20];
	int k = open("/dev/kmsg", O_RDWR);
	CALL("/dev/kmsg", write(k, "<6>contract says hello\n", 23));
	IS("the buffer's size", klogctl(10, NULL, 0) >= 16384);
	long n = klogctl(3, b, sizeof b);
	IS("reads all", n > 0);
	IS("lines start with a level", b[0] == '<');
	IS("reading does not take away", klogctl(3, b, sizeof b) >= n);
	CALL("the last bytes", klogctl(3, b, 0));
	CALL("negative length", klogctl(3, b, -1));
	CALL("null", klogctl(3, NULL, 10));
	CALL("console level", klogctl(8, NULL, 4) >= 0 ? 0 : -1);
	CALL("level 9", klogctl(8, NULL, 9));
	CALL("level 0", klogctl(8, NULL, 0));
	CALL("open and close do nothing", klogctl(1, NULL, 0) + klogctl(0, NULL, 0));
	CALL("unknown", klogctl(77, NULL, 0));
	n = klogctl(3, b, sizeof b);
	b[n > 0 && n < (long)sizeof b ? n : 0] = 0;
	IS("it is in the log", strstr(b, "contract says hello") != NULL);
	lseek(k, 0, SEEK_END);
	write(k, "<4>second\n", 10);
	fcntl(k, F_SETFL, O_NONBLOCK);
	n = read(k, b, 512);
	b[n > 0 ? n : 0] = 0;
	FACT("a record of /dev/kmsg: %d", strstr(b, ";second\n") != NULL);
	FACT("priority and facility: %d", atoi(b));
	CALL("no more", read(k, b, 512));
	pid_t pid;
	CHILD(pid)
	{
		setuid(1000);
		CALL("a user clears", klogctl(5, NULL, 0));
		CALL("a user sets the level", klogctl(8, NULL, 4));
	}
	REAP(pid);
}
