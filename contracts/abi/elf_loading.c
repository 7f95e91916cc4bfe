// execve(2), elf(5): odd programs: segments' rights and tails, bss, overlapping headers, refusals, killed late.
#include "contract.h"
#include <elf.h>

#ifdef __x86_64__
enum { MACHINE = EM_X86_64, OTHER = EM_AARCH64 };
// exit(*(bss) + 5): mov 0x500ff0, %edi; add $5, %edi; mov $60, %eax; syscall
static const unsigned char code[] = { 0x8b, 0x3c, 0x25, 0xf0, 0x0f, 0x50, 0x00, 0x83, 0xc7, 0x05, 0xb8, 0x3c, 0, 0, 0, 0x0f, 0x05 };
#else
enum { MACHINE = EM_AARCH64, OTHER = EM_X86_64 };
// movz x1, #0x50, lsl #16; movk x1, #0xff0; ldr w0, [x1]; add w0, w0, #5; mov x8, #93; svc #0
static const unsigned code[] = { 0xd2a00a01, 0xf281fe01, 0xb9400020, 0x11001400, 0xd2800ba8, 0xd4000001 };
#endif
static struct {
	Elf64_Ehdr e;
	Elf64_Phdr p[3];
	unsigned char text[64];
} f;

static void fresh(void)
{
	memset(&f, 0, sizeof f);
	memcpy(f.e.e_ident, ELFMAG "\2\1\1", 7);
	f.e = (Elf64_Ehdr){ .e_type = ET_EXEC, .e_machine = MACHINE, .e_version = 1, .e_entry = 0x400000 + offsetof(__typeof__(f), text),
		.e_phoff = sizeof f.e, .e_ehsize = sizeof f.e, .e_phentsize = sizeof f.p[0], .e_phnum = 2 };
	memcpy(f.e.e_ident, ELFMAG "\2\1\1", 7);
	f.p[0] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0, 0x400000, 0x400000, sizeof f, sizeof f, 0x1000 };
	f.p[1] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 0, 0x500000, 0x500000, 16, 0x1000, 0x1000 };
	memcpy(f.text, code, sizeof code);
}
static void run(const char *name)
{
	int fd = MUST(open("prog", O_WRONLY | O_CREAT | O_TRUNC, 0755));
	write(fd, &f, sizeof f);
	close(fd);
	pid_t pid;
	CHILD(pid)
	{
		execl("./prog", "prog", NULL);
		FACT("%s: %s", name, errno_name(errno));
		_exit(99);
	}
	int s = REAP(pid);
	if (!WIFEXITED(s) || WEXITSTATUS(s) != 99)
		SAY_STATUS(name, s);
}

int main(void)
{
	fresh(), run("the least program");
	fresh(), f.p[1].p_memsz = 0x100000, run("a large bss");
	fresh(), f.p[1].p_flags = PF_R, run("a bss without write: its tail cannot be cleared");
	fresh(), f.p[0].p_flags = PF_R, run("text without execute");
	fresh(), f.p[0].p_flags = PF_X, run("text of execute only");
	fresh(), f.e.e_entry = 0x600000, run("an entry outside");
	fresh(), f.e.e_ident[0] = 0, run("no magic");
	fresh(), f.e.e_machine = OTHER, run("another machine");
	fresh(), f.e.e_type = ET_REL, run("an object file");
	fresh(), f.e.e_type = ET_CORE, run("a core file");
	fresh(), f.e.e_phnum = 0, run("no segment headers");
	fresh(), f.e.e_phentsize = 32, run("headers of another size");
	fresh(), f.e.e_phoff = 1 << 20, run("headers beyond the file");
	fresh(), f.p[0].p_type = f.p[1].p_type = PT_NOTE, run("nothing to load");
	fresh(), f.p[1].p_filesz = 0x2000, run("more in the file than in memory");
	fresh(), f.p[1].p_vaddr = 0x500008, run("address and offset that do not agree");
	fresh(), f.p[1].p_vaddr = 0x7fffffffffff0000, run("an address beyond user space");
	fresh(), f.p[1].p_memsz = 1ul << 46, run("too large for memory");
	fresh(), f.e.e_phnum = 3, f.p[2] = (Elf64_Phdr){ PT_INTERP, PF_R, 0, 0, 0, 5, 5, 1 }, run("an interpreter's name that does not end");
	fresh(), f.e.e_phnum = 3, memcpy(f.text + 40, "/nothing", 9);
	f.p[2] = (Elf64_Phdr){ PT_INTERP, PF_R, offsetof(__typeof__(f), text) + 40, 0, 0, 9, 9, 1 }, run("an interpreter that is not there");
	fresh(), f.e.e_phnum = 3, f.p[2] = (Elf64_Phdr){ PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 }, run("a stack header");
	fresh(), f.p[1].p_offset = 0x3000, f.p[1].p_filesz = 16, run("a segment beyond the end of the file");
	fresh();
	f.e.e_ident[EI_CLASS] = 1;
	f.e.e_ident[EI_DATA] = 2;
	run("class and byte order are not looked at");
	MUST(truncate("prog", 40));
	pid_t pid;
	CHILD(pid)
	{
		execl("./prog", "prog", NULL);
		FACT("a cut header: %s", errno_name(errno));
	}
	REAP(pid);
}
