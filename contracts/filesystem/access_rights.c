// access(2), faccessat2(2): root and an ordinary user.
// run: root,user
#include "contract.h"

int main(void)
{
	put_file("f", "");
	mkdir("d", 0755);
	put_file("d/x", "");
	for (int m = 0; m <= 0700; m += 0100) {
		chmod("f", m);
		FACT("mode %o: r %d w %d x %d", m, access("f", R_OK) == 0, access("f", W_OK) == 0, access("f", X_OK) == 0);
	}
	chmod("f", 0077);
	CALL("the owner's bits count, not the others'", access("f", R_OK));
	chmod("d", 0600);
	CALL("directory without x", access("d/x", F_OK));
	CALL("open through it", open("d/x", O_RDONLY));
	chmod("d", 0300);
	CALL("directory without r", open("d", O_RDONLY));
	CALL("a name in it", access("d/x", F_OK));
	chmod("d", 0500);
	CALL("create without w", open("d/new", O_CREAT | O_WRONLY, 0644));
	CALL("unlink without w", unlink("d/x"));
	CALL("bad mode", access("f", 8));
	CALL("missing", access("missing", F_OK));
	CALL("faccessat2 with a bad flag", syscall(439, AT_FDCWD, "f", F_OK, 0x8000));
	CALL("write to /", open("/new-file", O_CREAT | O_WRONLY, 0644) >= 0);
	unlink("/new-file");
}
