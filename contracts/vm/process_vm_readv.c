// process_vm_readv(2), process_vm_writev(2): another process's memory.
#include "contract.h"

int main(void)
{
	struct gate ready = gate_new(), go = gate_new();
	static char text[16] = "parent";
	pid_t pid;
	CHILD(pid)
	{
		strcpy(text, "child");
		gate_open(ready);
		gate_wait(go);
		FACT("child now has '%s'", text);
	}
	gate_wait(ready);
	char b[16] = "";
	struct iovec l = { b, 5 }, r = { text, 5 };
	CALL("read", process_vm_readv(pid, &l, 1, &r, 1, 0));
	FACT("'%s'", b);
	struct iovec from = { "wrote", 6 };
	r.iov_len = 6;
	CALL("write", process_vm_writev(pid, &from, 1, &r, 1, 0));
	struct iovec bad = { BAD_POINTER, 4 };
	CALL("bad remote address", process_vm_readv(pid, &l, 1, &bad, 1, 0));
	CALL("bad flags", process_vm_readv(pid, &l, 1, &r, 1, 1));
	CALL("nobody", process_vm_readv(0x3ffffff, &l, 1, &r, 1, 0));
	gate_open(go);
	REAP(pid);
	FACT("own '%s'", text);
}
