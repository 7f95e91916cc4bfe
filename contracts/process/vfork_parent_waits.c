// vfork(2): the parent does not run until the child has exited or executed; memory is shared meanwhile.
#include "contract.h"

int main(int argc, char **argv)
{
	if (argc > 1) {
		FACT("executed");
		return 4;
	}
	volatile int x = 1;
	pid_t pid = vfork();
	if (pid == 0) {
		pause_ms(20);
		x = 2;
		_exit(3);
	}
	FACT("x is %d after vfork", x);
	ENDED("child", pid);
	pid = vfork();
	if (pid == 0) {
		execl("/proc/self/exe", "again", "1", NULL);
		_exit(98);
	}
	ENDED("executed child", pid);
}
