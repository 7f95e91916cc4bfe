// mprotect(2): code in anonymous memory runs once it is executable, and not before.
#include "contract.h"

int main(void)
{
#ifdef __x86_64__
	unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
#else
	unsigned code[] = { 0x52800540, 0xd65f03c0 };
#endif
	char *m = pages(1, PROT_READ | PROT_WRITE);
	memcpy(m, code, sizeof code);
	__builtin___clear_cache(m, m + sizeof code);
	FAULTS("not executable", ((int (*)(void))m)());
	CALL("mprotect", mprotect(m, page(), PROT_READ | PROT_EXEC));
	FACT("returns %d", ((int (*)(void))m)());
	FAULTS("write to it", m[0] = 1);
	char *both = pages(1, PROT_READ | PROT_WRITE | PROT_EXEC);
	memcpy(both, code, sizeof code);
	__builtin___clear_cache(both, both + sizeof code);
	FACT("writable and executable: %d", ((int (*)(void))both)());
}
