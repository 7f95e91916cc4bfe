// reboot(2): its magic numbers, who may, unknown commands, and what it is inside a PID namespace.
// run: root,user
#include "contract.h"

#define MAGIC1 0xfee1dead
#define MAGIC2 672274793
enum { CAD_OFF = 0, CAD_ON = 0x89abcdef };

static const struct {
	const char *name;
	unsigned command;
} commands[] = {
	{ "RESTART", 0x01234567 }, { "RESTART2", 0xa1b2c3d4 }, { "HALT", 0xcdef0123 }, { "POWER_OFF", 0x4321fedc }, { "CAD_OFF", CAD_OFF },
	{ "unknown", 0x12345 },
};

int main(void)
{
	CALL("no magic", syscall(SYS_reboot, 0, MAGIC2, CAD_OFF, 0));
	CALL("no second magic", syscall(SYS_reboot, MAGIC1, 0, CAD_OFF, 0));
	static const int seconds[] = { MAGIC2, 85072278, 369367448, 537993216 };
	for (int i = 0; i < COUNT_OF(seconds); i++)
		CALL("Ctrl-Alt-Del gives a signal", syscall(SYS_reboot, MAGIC1, seconds[i], CAD_OFF, 0));
	CALL("an unknown command", syscall(SYS_reboot, MAGIC1, MAGIC2, 0x12345, 0));
	if (geteuid() != 0)
		return 0;
	CALL("RESTART2 with a bad pointer", syscall(SYS_reboot, MAGIC1, MAGIC2, 0xa1b2c3d4, BAD_POINTER));
	for (int i = 0; i < COUNT_OF(commands); i++) {
		pid_t pid = MUST(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
		if (pid == 0) {
			CALL(commands[i].name, syscall(SYS_reboot, MAGIC1, MAGIC2, commands[i].command, BAD_POINTER));
			_exit(7);
		}
		char name[64];
		snprintf(name, sizeof name, "%s in a PID namespace", commands[i].name);
		ENDED(name, pid);
	}
}
