// statfs(2), fstatfs(2): types and sizes of the file systems that programs ask about.
#include "contract.h"

static void tell(const char *name, int err, struct statfs *s)
{
	if (err)
		FACT("%s: %s", name, errno_name(errno));
	else
		FACT("%s: type %#lx block %ld fragment %ld name %ld", name, (long)s->f_type & 0xffffffff, (long)s->f_bsize, (long)s->f_frsize, (long)s->f_namelen);
}

int main(void)
{
	struct statfs s;
	put_file("f", "x");
	tell("tmp", statfs("f", &s), &s);
	IS("free", s.f_bfree > 0 && s.f_bfree <= s.f_blocks && s.f_bavail <= s.f_bfree && s.f_ffree <= s.f_files);
	tell("/proc", statfs("/proc", &s), &s);
	FACT("blocks %ld files %ld", (long)s.f_blocks, (long)s.f_files);
	tell("/sys", statfs("/sys", &s), &s);
	tell("/dev/pts", statfs("/dev/pts", &s), &s);
	int p[2];
	pipe(p);
	tell("pipe", fstatfs(p[0], &s), &s);
	tell("socket", fstatfs(socket(AF_UNIX, SOCK_STREAM, 0), &s), &s);
	tell("eventfd", fstatfs(eventfd(0, 0), &s), &s);
	tell("O_PATH", fstatfs(open("f", O_PATH), &s), &s);
	tell("missing", statfs("missing", &s), &s);
	tell("bad descriptor", fstatfs(99, &s), &s);
	CALL("bad address", syscall(SYS_statfs, "f", BAD_POINTER));
}
