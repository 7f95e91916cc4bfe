#include "textflag.h"

// The functions of the vDSO for programs. uservdso.go copies them to its image: C ABI, no
// reference to anything but the page of data before the image.

// CODE_END follows each: "VDSOEND\n".
#define CODE_END WORD $0x4f534456; WORD $0x0a444e45

// DATA puts the address of the page of data in R9.
#define DATA \
	ADR	0(PC), R9; \
	AND	$~4095, R9; \
	SUB	$4096, R9

// NOW puts the nanoseconds since boot in R5, and the offset of the wall clock in R6.
#define NOW \
	ISB	$15; \
	MRS	CNTVCT_EL0, R5; \
	LDP	0(R9), (R6, R7); \
	SUB	R6, R5; \
	UMULH	R5, R7, R6; \
	MUL	R5, R7, R5; \
	LSR	$32, R5; \
	ORR	R6<<32, R5; \
	MOVD	16(R9), R6

// SPLIT divides the nanoseconds in R5 into seconds in R6 and the rest in R7.
#define SPLIT \
	MOVD	$1000000000, R4; \
	UDIV	R4, R5, R6; \
	MSUB	R6, R5, R4, R7

// Bits for clocks: REALTIME, MONOTONIC, MONOTONIC_RAW, REALTIME_COARSE,
// MONOTONIC_COARSE, BOOTTIME; the two of them that are wall clocks; and those of full
// resolution among the ones that clock_getres need not ask about.
#define KNOWN $0xf3
#define WALLS $0x21
#define FINE $0x93

// int clock_gettime(clockid_t, struct timespec *)
TEXT ·vdsoUserGettime(SB),NOSPLIT|NOFRAME,$0
	CMPW	$7, R0
	BHI	ask
	MOVD	$1, R3
	LSLW	R0, R3, R3
	MOVD	KNOWN, R4
	TSTW	R4, R3
	BEQ	ask
	DATA
	NOW
	MOVD	WALLS, R4
	TSTW	R4, R3
	BEQ	boot
	ADD	R6, R5
boot:
	SPLIT
	STP	(R6, R7), 0(R1)
	MOVD	ZR, R0
	RET
ask:
	MOVD	$113, R8
	SVC
	RET
	CODE_END

// int clock_getres(clockid_t, struct timespec *)
TEXT ·vdsoUserGetres(SB),NOSPLIT|NOFRAME,$0
	CMPW	$7, R0
	BHI	ask
	MOVD	$1, R3
	LSLW	R0, R3, R3
	MOVD	FINE, R4
	TSTW	R4, R3
	BEQ	ask
	MOVD	ZR, R0
	CBZ	R1, done
	MOVD	$1, R2
	STP	(ZR, R2), 0(R1)
done:
	RET
ask:
	MOVD	$114, R8
	SVC
	RET
	CODE_END

// int gettimeofday(struct timeval *, struct timezone *)
TEXT ·vdsoUserTimeofday(SB),NOSPLIT|NOFRAME,$0
	CBNZ	R1, ask
	CBZ	R0, ask
	DATA
	NOW
	ADD	R6, R5
	SPLIT
	MOVD	$1000, R4
	UDIV	R4, R7
	STP	(R6, R7), 0(R0)
	MOVD	ZR, R0
	RET
ask:
	MOVD	$169, R8
	SVC
	RET
	CODE_END

// rt_sigreturn: what a signal handler returns to. Unwinders know it by these two
// instructions.
TEXT ·vdsoUserSigreturn(SB),NOSPLIT|NOFRAME,$0
	WORD	$0xd2801168             // MOVD $139, R8
	SVC
	CODE_END

// func vdsoUserCode(p *[4]uintptr): where they are.
TEXT ·vdsoUserCode(SB),NOSPLIT,$0-8
	MOVD	p+0(FP), R0
	MOVD	$·vdsoUserGettime(SB), R1
	MOVD	R1, 0(R0)
	MOVD	$·vdsoUserTimeofday(SB), R1
	MOVD	R1, 8(R0)
	MOVD	$·vdsoUserGetres(SB), R1
	MOVD	R1, 16(R0)
	MOVD	$·vdsoUserSigreturn(SB), R1
	MOVD	R1, 24(R0)
	RET
