#include "textflag.h"
#include "go_asm.h"

// Single instructions for Go.

TEXT ·outb(SB),NOSPLIT,$0-3
	MOVW	port+0(FP), DX
	MOVB	v+2(FP), AX
	OUTB
	RET

TEXT ·outw(SB),NOSPLIT,$0-4
	MOVW	port+0(FP), DX
	MOVW	v+2(FP), AX
	OUTW
	RET

TEXT ·inb(SB),NOSPLIT,$0-9
	MOVW	port+0(FP), DX
	INB
	MOVB	AX, ret+8(FP)
	RET

TEXT ·outl(SB),NOSPLIT,$0-8
	MOVW	port+0(FP), DX
	MOVL	v+4(FP), AX
	OUTL
	RET

TEXT ·inl(SB),NOSPLIT,$0-12
	MOVW	port+0(FP), DX
	INL
	MOVL	AX, ret+8(FP)
	RET

TEXT ·rdtsc(SB),NOSPLIT,$0-8
	RDTSC
	SHLQ	$32, DX
	ORQ	DX, AX
	MOVQ	AX, ret+0(FP)
	RET

TEXT ·wrmsr(SB),NOSPLIT,$0-16
	MOVL	msr+0(FP), CX
	MOVQ	v+8(FP), AX
	MOVQ	AX, DX
	SHRQ	$32, DX
	WRMSR
	RET

TEXT ·rdmsr(SB),NOSPLIT,$0-16
	MOVL	msr+0(FP), CX
	RDMSR
	SHLQ	$32, DX
	ORQ	DX, AX
	MOVQ	AX, ret+8(FP)
	RET

// func cpuid(leaf, sub uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB),NOSPLIT,$0-24
	MOVL	leaf+0(FP), AX
	MOVL	sub+4(FP), CX
	CPUID
	MOVL	AX, a+8(FP)
	MOVL	BX, b+12(FP)
	MOVL	CX, c+16(FP)
	MOVL	DX, d+20(FP)
	RET

// func rdrand() (v uint64, ok bool)
TEXT ·rdrand(SB),NOSPLIT,$0-9
	MOVL	$10, CX
again:
	RDRANDQ	AX
	JCS	got
	DECL	CX
	JNE	again
	MOVB	$0, ok+8(FP)
	RET
got:
	MOVQ	AX, v+0(FP)
	MOVB	$1, ok+8(FP)
	RET

TEXT ·readCR3(SB),NOSPLIT,$0-8
	MOVQ	CR3, AX
	MOVQ	AX, ret+0(FP)
	RET

TEXT ·writeCR3(SB),NOSPLIT,$0-8
	MOVQ	v+0(FP), AX
	MOVQ	AX, CR3
	RET

TEXT ·setCR4(SB),NOSPLIT,$0-8
	MOVQ	CR4, AX
	ORQ	bits+0(FP), AX
	MOVQ	AX, CR4
	RET

// func loadTables(gdtr, idtr *[10]byte, tr uint16)
TEXT ·loadTables(SB),NOSPLIT,$0-18
	MOVQ	gdtr+0(FP), AX
	BYTE $0x0f; BYTE $0x01; BYTE $0x10	// lgdt (rax)
	MOVQ	idtr+8(FP), AX
	BYTE $0x0f; BYTE $0x01; BYTE $0x18	// lidt (rax)
	MOVW	tr+16(FP), AX
	BYTE $0x0f; BYTE $0x00; BYTE $0xd8	// ltr ax
	RET

// func tripleFault(idtr *[10]byte): the last way to reset.
TEXT ·tripleFault(SB),NOSPLIT,$0-8
	MOVQ	idtr+0(FP), AX
	BYTE $0x0f; BYTE $0x01; BYTE $0x18	// lidt (rax)
	INT	$3
	RET

TEXT ·halt(SB),NOSPLIT|NOFRAME,$0
again:
	CLI
	HLT
	JMP	again

TEXT ·pause(SB),NOSPLIT,$0
	PAUSE
	RET

TEXT ·thisCPU(SB),NOSPLIT,$0-8
	MOVQ	archCPU_self(GS), AX
	MOVQ	AX, ret+0(FP)
	RET

// func call(nr, a, b, c uint64) uint64
TEXT ·call(SB),NOSPLIT,$0-40
	MOVQ	nr+0(FP), AX
	MOVQ	a+8(FP), DI
	MOVQ	b+16(FP), SI
	MOVQ	c+24(FP), DX
	SYSCALL
	MOVQ	AX, ret+32(FP)
	RET

// vdsoClockGettime has the C ABI of __vdso_clock_gettime: DI = clock, SI = timespec.
// The Go runtime calls it on its g0 stack. now = (tsc - bootTSC) * tscMult >> 32.
TEXT ·vdsoClockGettime(SB),NOSPLIT|NOFRAME,$0
	RDTSC
	SHLQ	$32, DX
	ORQ	DX, AX
	SUBQ	·bootTSC(SB), AX
	MULQ	·tscMult(SB)
	SHRQ	$32, AX
	SHLQ	$32, DX
	ORQ	DX, AX
	TESTL	DI, DI
	JNE	monotonic
	ADDQ	·vdsoWallBase(SB), AX
monotonic:
	XORL	DX, DX
	MOVQ	$1000000000, CX
	DIVQ	CX
	MOVQ	AX, 0(SI)
	MOVQ	DX, 8(SI)
	XORL	AX, AX
	RET
