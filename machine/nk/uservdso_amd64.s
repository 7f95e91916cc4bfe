#include "textflag.h"

// The functions of the vDSO for programs. uservdso.go copies them to its image: C ABI, no
// reference to anything but the page of data before the image.

// CODE_END follows each: "VDSOEND\n".
#define CODE_END \
	BYTE $0x56; BYTE $0x44; BYTE $0x53; BYTE $0x4f; BYTE $0x45; BYTE $0x4e; BYTE $0x44; BYTE $0x0a

// IMAGE puts the image's address in R8: LEAQ 0(IP), R8, and down to its page.
#define IMAGE BYTE $0x4c; BYTE $0x8d; BYTE $0x05; LONG $0; ANDQ $-4096, R8
#define START (-4096)(R8)
#define MULT (-4088)(R8)
#define WALL (-4080)(R8)

// NOW puts the nanoseconds since boot in AX: (TSC - START) * MULT >> 32.
#define NOW \
	LFENCE; \
	RDTSC; \
	SHLQ $32, DX; \
	ORQ DX, AX; \
	SUBQ START, AX; \
	MULQ MULT; \
	SHRQ $32, AX; \
	SHLQ $32, DX; \
	ORQ DX, AX

// SPLIT divides the nanoseconds in AX into seconds in AX and the rest in DX.
#define SPLIT \
	XORL DX, DX; \
	MOVL $1000000000, CX; \
	DIVQ CX

// Bits for clocks: REALTIME, MONOTONIC, MONOTONIC_RAW, REALTIME_COARSE,
// MONOTONIC_COARSE, BOOTTIME; the two of them that are wall clocks; and those of full
// resolution among the ones that clock_getres need not ask about.
#define KNOWN $0xf3
#define WALLS $0x21
#define FINE $0x93

// int clock_gettime(clockid_t, struct timespec *)
TEXT ·vdsoUserGettime(SB),NOSPLIT|NOFRAME,$0
	CMPL	DI, $7
	JHI	ask
	MOVL	DI, CX
	MOVL	$1, R9
	SHLL	CX, R9
	TESTL	KNOWN, R9
	JEQ	ask
	IMAGE
	NOW
	TESTL	WALLS, R9
	JEQ	boot
	ADDQ	WALL, AX
boot:
	SPLIT
	MOVQ	AX, 0(SI)
	MOVQ	DX, 8(SI)
	XORL	AX, AX
	RET
ask:
	MOVL	$228, AX
	SYSCALL
	RET
	CODE_END

// int clock_getres(clockid_t, struct timespec *)
TEXT ·vdsoUserGetres(SB),NOSPLIT|NOFRAME,$0
	CMPL	DI, $7
	JHI	ask
	MOVL	DI, CX
	MOVL	$1, R9
	SHLL	CX, R9
	TESTL	FINE, R9
	JEQ	ask
	XORL	AX, AX
	TESTQ	SI, SI
	JEQ	done
	MOVQ	$0, 0(SI)
	MOVQ	$1, 8(SI)
done:
	RET
ask:
	MOVL	$229, AX
	SYSCALL
	RET
	CODE_END

// int gettimeofday(struct timeval *, struct timezone *)
TEXT ·vdsoUserTimeofday(SB),NOSPLIT|NOFRAME,$0
	TESTQ	SI, SI
	JNE	ask
	TESTQ	DI, DI
	JEQ	ask
	IMAGE
	NOW
	ADDQ	WALL, AX
	SPLIT
	MOVQ	AX, 0(DI)
	MOVQ	DX, AX
	XORL	DX, DX
	MOVL	$1000, CX
	DIVQ	CX
	MOVQ	AX, 8(DI)
	XORL	AX, AX
	RET
ask:
	MOVL	$96, AX
	SYSCALL
	RET
	CODE_END

// time_t time(time_t *)
TEXT ·vdsoUserTime(SB),NOSPLIT|NOFRAME,$0
	IMAGE
	NOW
	ADDQ	WALL, AX
	SPLIT
	TESTQ	DI, DI
	JEQ	done
	MOVQ	AX, 0(DI)
done:
	RET
	CODE_END

// int getcpu(unsigned *cpu, unsigned *node, void *): the limit of segment SEL_CPU is the
// CPU's number. All memory is one node.
TEXT ·vdsoUserGetcpu(SB),NOSPLIT|NOFRAME,$0
	MOVL	$0x43, AX
	BYTE	$0x0f; BYTE $0x03; BYTE $0xc0	// LSL AX, AX
	TESTQ	DI, DI
	JEQ	node
	MOVL	AX, 0(DI)
node:
	XORL	AX, AX
	TESTQ	SI, SI
	JEQ	done
	MOVL	AX, 0(SI)
done:
	RET
	CODE_END

// func vdsoUserCode(p *[5]uintptr): where they are.
TEXT ·vdsoUserCode(SB),NOSPLIT,$0-8
	MOVQ	p+0(FP), DI
	LEAQ	·vdsoUserGettime(SB), AX
	MOVQ	AX, 0(DI)
	LEAQ	·vdsoUserTimeofday(SB), AX
	MOVQ	AX, 8(DI)
	LEAQ	·vdsoUserGetres(SB), AX
	MOVQ	AX, 16(DI)
	LEAQ	·vdsoUserTime(SB), AX
	MOVQ	AX, 24(DI)
	LEAQ	·vdsoUserGetcpu(SB), AX
	MOVQ	AX, 32(DI)
	RET
