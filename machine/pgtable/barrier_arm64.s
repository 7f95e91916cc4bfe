#include "textflag.h"

// func publish(): orders an entry's store before the hardware's walks
// (Arm ARM, D8.2.6: DSB ISHST).
TEXT ·publish(SB),NOSPLIT,$0
	DSB	$10
	RET
