// ptrace(2): PTRACE_PEEKDATA and PTRACE_POKEDATA reach a stopped thread's memory past its protection, as /proc/PID/mem does.
#include "contract.h"
#include "ptrace.h"

static const char text[16] __attribute__((aligned(8))) = "read-only text!";
static long word[2] = { 11, 22 };

int main(void)
{
	pid_t pid;
	char *none = pages(2, PROT_READ | PROT_WRITE);
	memcpy(none, "hidden..", 8);
	mprotect(none, page(), PROT_NONE);
	char *shared = mmap(NULL, page(), PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	munmap(none + page(), page());
	TRACED(pid)
	{
		FACT("the child sees: %ld %ld %s", word[0], word[1], text);
		mprotect(none, page(), PROT_READ);
		FACT("and %.8s", none);
	}
	quiet(pid);
	long v = 0;
	CALL("PTRACE_PEEKDATA", trace(PTRACE_PEEKDATA, pid, (long)&word[0], (long)&v));
	FACT("%ld", v);
	CALL("PTRACE_POKEDATA", trace(PTRACE_POKEDATA, pid, (long)&word[0], 33));
	CALL("unaligned", trace(PTRACE_PEEKTEXT, pid, (long)&word[0] + 4, (long)&v));
	FACT("%#lx, and here nothing has changed: %ld", v, word[0]);
	CALL("PTRACE_POKETEXT of read-only memory", trace(PTRACE_POKETEXT, pid, (long)text, 0x65746972772d6572));
	FACT("here: %s", text);
	CALL("PTRACE_PEEKDATA of PROT_NONE", trace(PTRACE_PEEKDATA, pid, (long)none, (long)&v));
	FACT("%.8s", (char *)&v);
	CALL("PTRACE_POKEDATA of PROT_NONE", trace(PTRACE_POKEDATA, pid, (long)none, 0x6e6574746972572e));
	CALL("PTRACE_POKEDATA of a shared, read-only page", trace(PTRACE_POKEDATA, pid, (long)shared, 1));
	CALL("PTRACE_PEEKDATA across the end", trace(PTRACE_PEEKDATA, pid, (long)none + page() - 4, (long)&v));
	CALL("PTRACE_PEEKDATA of nothing", trace(PTRACE_PEEKDATA, pid, 8, (long)&v));
	CALL("PTRACE_POKEDATA of nothing", trace(PTRACE_POKEDATA, pid, 8, 1));
	CALL("PTRACE_PEEKDATA to nowhere", trace(PTRACE_PEEKDATA, pid, (long)&word[0], 8));
	char path[64], got_text[16] = "";
	sprintf(path, "/proc/%d/mem", pid);
	int fd = MUST(open(path, O_RDWR));
	CALL("mem", pread(fd, got_text, 16, (long)text));
	FACT("%s", got_text);
	v = 44;
	CALL("mem", pwrite(fd, &v, 8, (long)&word[1]));
	MUST(trace(PTRACE_CONT, pid, 0, 0));
	NEXT("the end", pid);
}
