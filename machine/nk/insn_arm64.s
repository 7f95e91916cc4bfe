// Single instructions and addresses that Go cannot name.
#include "textflag.h"
#include "go_asm.h"

#define GETTER(name, load, what) \
TEXT name(SB),NOSPLIT,$0-8; \
	load	what, R0; \
	MOVD	R0, ret+0(FP); \
	RET

GETTER(·thisCPU, MRS, TPIDR_EL1)
GETTER(·rt0, MOVD, $_rt0_arm64_linux(SB))
GETTER(·idleLoop, MOVD, $·idle(SB))
GETTER(·sigreturnStub, MOVD, $·sigreturn(SB))
GETTER(·secondaryEntry, MOVD, $·secondary(SB))
GETTER(·bootTablesAddress, MOVD, $·bootTables(SB))
GETTER(·vdsoFunction, MOVD, $·clockGettime64(SB))
GETTER(·counterHz, MRS, CNTFRQ_EL0)
GETTER(·cacheType, MRS, CTR_EL0)

// func counter() uint64
TEXT ·counter(SB),NOSPLIT,$0-8
	ISB	$15
	MRS	CNTVCT_EL0, R0
	MOVD	R0, ret+0(FP)
	RET

TEXT ·idle(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
halt:
	WFI
	B	halt

TEXT ·wfi(SB),NOSPLIT,$0
	DSB	$15
	WFI
	RET

TEXT ·pause(SB),NOSPLIT,$0
	YIELD
	RET

TEXT ·fullBarrier(SB),NOSPLIT,$0
	DSB	$11
	RET

TEXT ·storeBarrier(SB),NOSPLIT,$0
	DSB	$10
	ISB	$15
	RET

// A signal handler's return address.
TEXT ·sigreturn(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVD	$139, R8
	SVC
	B	0(PC)

// func call(nr, a, b, c uint64) uint64
TEXT ·call(SB),NOSPLIT,$0-40
	MOVD	nr+0(FP), R8
	MOVD	a+8(FP), R0
	MOVD	b+16(FP), R1
	MOVD	c+24(FP), R2
	SVC
	MOVD	R0, ret+32(FP)
	RET

// func hvc(fn, a, b, c uint64) uint64
TEXT ·hvc(SB),NOSPLIT,$0-40
	MOVD	fn+0(FP), R0
	MOVD	a+8(FP), R1
	MOVD	b+16(FP), R2
	MOVD	c+24(FP), R3
	HVC	$0
	MOVD	R0, ret+32(FP)
	RET

// func smc(fn, a, b, c uint64) uint64
TEXT ·smc(SB),NOSPLIT,$0-40
	MOVD	fn+0(FP), R0
	MOVD	a+8(FP), R1
	MOVD	b+16(FP), R2
	MOVD	c+24(FP), R3
	SMC	$0
	MOVD	R0, ret+32(FP)
	RET

// func semihostingExit(status uint64): SYS_EXIT_EXTENDED, ADP_Stopped_ApplicationExit.
TEXT ·semihostingExit(SB),NOSPLIT,$32-8
	MOVD	$0x20026, R2
	MOVD	status+0(FP), R3
	MOVD	R2, 8(RSP)
	MOVD	R3, 16(RSP)
	MOVD	$0x20, R0
	ADD	$8, RSP, R1
	WORD	$0xd45e0000             // HLT #0xf000
	RET

// func setTimer(value, control uint64)
TEXT ·setTimer(SB),NOSPLIT,$0-16
	MOVD	value+0(FP), R0
	MOVD	control+8(FP), R1
	MSR	R0, CNTV_CVAL_EL0
	MSR	R1, CNTV_CTL_EL0
	ISB	$15
	RET

// func loadKernelTable(ttbr uint64)
TEXT ·loadKernelTable(SB),NOSPLIT,$0-8
	MOVD	ttbr+0(FP), R0
	DSB	$10
	MSR	R0, TTBR0_EL1
	ISB	$15
	TLBI	VMALLE1
	DSB	$7
	ISB	$15
	RET

// func loadTTBR(ttbr uint64)
TEXT ·loadTTBR(SB),NOSPLIT,$0-8
	MOVD	ttbr+0(FP), R0
	MSR	R0, TTBR0_EL1
	ISB	$15
	RET

// func flushAll()
TEXT ·flushAll(SB),NOSPLIT,$0
	DSB	$10
	TLBI	VMALLE1IS
	DSB	$11
	ISB	$15
	RET

// func flushASID(id uint64): id in bits 48 to 63
TEXT ·flushASID(SB),NOSPLIT,$0-8
	MOVD	id+0(FP), R0
	DSB	$10
	TLBI	ASIDE1IS, R0
	DSB	$11
	ISB	$15
	RET

// func flushPages(first, n uint64): first is an ASID in bits 48 to 63 and a page number
TEXT ·flushPages(SB),NOSPLIT,$0-16
	MOVD	first+0(FP), R0
	MOVD	n+8(FP), R1
	DSB	$10
page:
	CBZ	R1, flushed
	TLBI	VAE1IS, R0
	ADD	$1, R0
	SUB	$1, R1
	B	page
flushed:
	DSB	$11
	ISB	$15
	RET

// func cleanToUnification(from, to, line uintptr)
TEXT ·cleanToUnification(SB),NOSPLIT,$0-24
	MOVD	from+0(FP), R0
	MOVD	to+8(FP), R1
	MOVD	line+16(FP), R2
clean:
	DC	CVAU, R0
	ADD	R2, R0
	CMP	R1, R0
	BLO	clean
	DSB	$11
	RET

// func invalidateInstructions()
TEXT ·invalidateInstructions(SB),NOSPLIT,$0
	WORD	$0xd508711f             // IC IALLUIS
	DSB	$11
	ISB	$15
	RET

// func cleanImage(): what CPUs with caches off read of the image.
TEXT ·cleanImage(SB),NOSPLIT,$0
	MOVD	$·bootTables(SB), R0
	MOVD	$((const_bootTablePages+1)*4096), R1
	ADD	R0, R1
tables:
	DC	CVAC, R0
	ADD	$16, R0
	CMP	R1, R0
	BLO	tables
	DSB	$15
	RET

// func idRegister(n int) uint64
TEXT ·idRegister(SB),NOSPLIT,$0-16
	MOVD	n+0(FP), R1
	MOVD	ZR, R0
	CMP	$const_idPFR0, R1
	BEQ	pfr0
	CMP	$const_idPFR1, R1
	BEQ	pfr1
	CMP	$const_idISAR0, R1
	BEQ	isar0
	CMP	$const_idISAR1, R1
	BEQ	isar1
	CMP	$const_idMMFR0, R1
	BEQ	mmfr0
	CMP	$const_idMMFR1, R1
	BEQ	mmfr1
	CMP	$const_idMIDR, R1
	BEQ	midr
	MRS	MPIDR_EL1, R0
	B	got
pfr0:
	MRS	ID_AA64PFR0_EL1, R0
	B	got
pfr1:
	MRS	ID_AA64PFR1_EL1, R0
	B	got
isar0:
	MRS	ID_AA64ISAR0_EL1, R0
	B	got
isar1:
	MRS	ID_AA64ISAR1_EL1, R0
	B	got
mmfr0:
	MRS	ID_AA64MMFR0_EL1, R0
	B	got
mmfr1:
	MRS	ID_AA64MMFR1_EL1, R0
	B	got
midr:
	MRS	MIDR_EL1, R0
got:
	MOVD	R0, ret+8(FP)
	RET

// func hardwareRandom() (v uint64, ok bool)
TEXT ·hardwareRandom(SB),NOSPLIT,$0-9
	WORD	$0xd53b2400             // MRS RNDR, R0: Z is set where there was none
	CSET	NE, R1
	MOVD	R0, v+0(FP)
	MOVB	R1, ok+8(FP)
	RET

// GICv3's CPU interface.

TEXT ·gicEnableInterface(SB),NOSPLIT,$0
	MRS	ICC_SRE_EL1, R0
	ORR	$1, R0
	MSR	R0, ICC_SRE_EL1
	ISB	$15
	MOVD	$0xf0, R0
	MSR	R0, ICC_PMR_EL1
	MSR	ZR, ICC_BPR1_EL1
	MSR	ZR, ICC_CTLR_EL1
	MOVD	$1, R0
	MSR	R0, ICC_IGRPEN1_EL1
	ISB	$15
	RET

TEXT ·gicAcknowledge(SB),NOSPLIT,$0-4
	MRS	ICC_IAR1_EL1, R0
	DSB	$15
	MOVW	R0, ret+0(FP)
	RET

TEXT ·gicComplete(SB),NOSPLIT,$0-4
	MOVWU	iar+0(FP), R0
	MSR	R0, ICC_EOIR1_EL1
	ISB	$15
	RET

TEXT ·gicSend(SB),NOSPLIT,$0-8
	MOVD	v+0(FP), R0
	MSR	R0, ICC_SGI1R_EL1
	ISB	$15
	RET

// clockGettime64 has the C ABI of __kernel_clock_gettime: R0 = clock, R1 = timespec.
TEXT ·clockGettime64(SB),NOSPLIT|NOFRAME,$0
	MOVD	$·vdsoClock(SB), R3
	ISB	$15
	MRS	CNTVCT_EL0, R2
	MOVD	clockState_start(R3), R4
	SUB	R4, R2
	MOVD	clockState_mult(R3), R4
	MUL	R2, R4, R5
	UMULH	R2, R4, R6
	LSR	$32, R5
	ORR	R6<<32, R5
	CBNZ	R0, monotonic
	MOVD	clockState_wallBase(R3), R4
	ADD	R4, R5
monotonic:
	MOVD	$1000000000, R4
	UDIV	R4, R5, R6
	MSUB	R6, R5, R4, R7
	STP	(R6, R7), (R1)
	MOVD	ZR, R0
	RET
