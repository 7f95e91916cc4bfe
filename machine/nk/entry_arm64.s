// Exception vectors, the ways into and out of the nanokernel, and user mode.
//
// Go runs at EL1t: its stacks are in SP_EL0, and so is the user's while a program
// runs (EL0t). SP_EL1 is always the top of the CPU's nanokernel stack when an
// exception is taken from either, so that none touches a goroutine's stack (Go keeps
// its frame pointer below RSP). The nanokernel runs at EL1h with everything masked.
//
// TPIDR_EL1 is the CPU; its cur is the Thread that Go code's context is saved in, and
// its uregs the machine.Regs of the user program that runs.
#include "textflag.h"
#include "go_asm.h"
#include "entry_arm64.h"

#define SAVEQ(base) \
	FSTPQ	(F0, F1), 0(base) \
	FSTPQ	(F2, F3), 32(base) \
	FSTPQ	(F4, F5), 64(base) \
	FSTPQ	(F6, F7), 96(base) \
	FSTPQ	(F8, F9), 128(base) \
	FSTPQ	(F10, F11), 160(base) \
	FSTPQ	(F12, F13), 192(base) \
	FSTPQ	(F14, F15), 224(base) \
	FSTPQ	(F16, F17), 256(base) \
	FSTPQ	(F18, F19), 288(base) \
	FSTPQ	(F20, F21), 320(base) \
	FSTPQ	(F22, F23), 352(base) \
	FSTPQ	(F24, F25), 384(base) \
	FSTPQ	(F26, F27), 416(base) \
	FSTPQ	(F28, F29), 448(base) \
	FSTPQ	(F30, F31), 480(base)

#define LOADQ(base) \
	FLDPQ	0(base), (F0, F1) \
	FLDPQ	32(base), (F2, F3) \
	FLDPQ	64(base), (F4, F5) \
	FLDPQ	96(base), (F6, F7) \
	FLDPQ	128(base), (F8, F9) \
	FLDPQ	160(base), (F10, F11) \
	FLDPQ	192(base), (F12, F13) \
	FLDPQ	224(base), (F14, F15) \
	FLDPQ	256(base), (F16, F17) \
	FLDPQ	288(base), (F18, F19) \
	FLDPQ	320(base), (F20, F21) \
	FLDPQ	352(base), (F22, F23) \
	FLDPQ	384(base), (F24, F25) \
	FLDPQ	416(base), (F26, F27) \
	FLDPQ	448(base), (F28, F29) \
	FLDPQ	480(base), (F30, F31)

// SAVEX saves R2 to R30 to an array of 31 registers.
#define SAVEX(base) \
	STP	(R2, R3), 16(base) \
	STP	(R4, R5), 32(base) \
	STP	(R6, R7), 48(base) \
	STP	(R8, R9), 64(base) \
	STP	(R10, R11), 80(base) \
	STP	(R12, R13), 96(base) \
	STP	(R14, R15), 112(base) \
	STP	(R16, R17), 128(base) \
	STP	(R18_PLATFORM, R19), 144(base) \
	STP	(R20, R21), 160(base) \
	STP	(R22, R23), 176(base) \
	STP	(R24, R25), 192(base) \
	STP	(R26, R27), 208(base) \
	STP	(g, R29), 224(base) \
	MOVD	R30, 240(base)

// LOADX loads R0 to R30 from the array at R0.
#define LOADX \
	LDP	16(R0), (R2, R3) \
	LDP	32(R0), (R4, R5) \
	LDP	48(R0), (R6, R7) \
	LDP	64(R0), (R8, R9) \
	LDP	80(R0), (R10, R11) \
	LDP	96(R0), (R12, R13) \
	LDP	112(R0), (R14, R15) \
	LDP	128(R0), (R16, R17) \
	LDP	144(R0), (R18_PLATFORM, R19) \
	LDP	160(R0), (R20, R21) \
	LDP	176(R0), (R22, R23) \
	LDP	192(R0), (R24, R25) \
	LDP	208(R0), (R26, R27) \
	LDP	224(R0), (g, R29) \
	MOVD	240(R0), R30 \
	LDP	0(R0), (R0, R1)

// Each vector pushes R0 and R1, and leaves in R1 what came: 0 a synchronous
// exception, 1 an interrupt, 2 a fast interrupt, 3 a system error; plus 8 from a
// program, 16 from the nanokernel, 32 from a 32-bit program where that is unexpected.
#define VECTOR(target, what) \
	STP.W	(R0, R1), -16(RSP) \
	MOVD	$what, R1 \
	B	target(SB) \
	PCALIGN	$128

TEXT ·vectors(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	PCALIGN	$2048
	VECTOR(·fromGo, 0)
	VECTOR(·fromGo, 1)
	VECTOR(·fatal, 2)
	VECTOR(·fatal, 3)
	VECTOR(·nested, 16)
	VECTOR(·fatal, 17)
	VECTOR(·fatal, 18)
	VECTOR(·fatal, 19)
	VECTOR(·fromUser, 0)
	VECTOR(·fromUser, 1)
	VECTOR(·fatal, 10)
	VECTOR(·fatal, 11)
	VECTOR(·fatal, 32)
	VECTOR(·fatal, 33)
	VECTOR(·fatal, 34)
	VECTOR(·fatal, 35)
	RET

// fromGo: an exception in Go code. A system call needs no floating-point registers
// saved: it sits in an assembly function of the runtime, and both of Go's calling
// conventions make all of them the caller's.
TEXT ·fromGo(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MRS	TPIDR_EL1, R0
	MOVD	archCPU_cur(R0), R0
	SAVEX(R0)
	MOVD	R1, R19
	LDP.P	16(RSP), (R2, R3)
	STP	(R2, R3), 0(R0)
	MRS	SP_EL0, R2
	MRS	ELR_EL1, R3
	STP	(R2, R3), Context_rsp(R0)
	MRS	SPSR_EL1, R2
	MOVD	R2, Context_pstate(R0)
	MRS	TPIDR_EL1, R4
	CBNZ	R19, save
	MRS	ESR_EL1, R20
	LSR	$26, R20, R2
	CMP	$const_ecSVC, R2
	BNE	save
	MOVD	archCPU_g(R4), g
	NO_FRAME
	MOVD	ZR, R30
	SUB	$16, RSP
	BL	·onSyscall(SB)
	B	·resume(SB)

save:
	MRS	FAR_EL1, R21
	ADD	$Context_q, R0, R2
	SAVEQ(R2)
	MRS	FPSR, R2
	MOVD	R2, Context_fpsr(R0)
	MOVD	$1, R2
	MOVD	R2, Context_full(R0)
	MOVD	archCPU_g(R4), g
	NO_FRAME
	MOVD	ZR, R30
	SUB	$32, RSP
	CBNZ	R19, interrupt
	MOVD	R20, 8(RSP)
	MOVD	R21, 16(RSP)
	BL	·onException(SB)
	B	·resume(SB)
interrupt:
	BL	·onInterrupt(SB)
	B	·resume(SB)

// resume leaves the nanokernel to the CPU's current Thread.
TEXT ·resume(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MRS	TPIDR_EL1, R1
	MOVD	archCPU_stack(R1), R2
	MOVD	R2, RSP
	MOVD	archCPU_cur(R1), R0
	MOVD	Context_full(R0), R2
	CBZ	R2, light
	ADD	$Context_q, R0, R2
	LOADQ(R2)
	MOVD	Context_fpsr(R0), R2
	MSR	R2, FPSR
	MOVD	ZR, Context_full(R0)
light:
	LDP	Context_rsp(R0), (R2, R3)
	MSR	R2, SP_EL0
	MSR	R3, ELR_EL1
	MOVD	Context_pstate(R0), R2
	MSR	R2, SPSR_EL1
	LOADX
	ERET

// nested: an exception inside the nanokernel. It may be a page fault on the Go
// runtime's memory, which onNested repairs; all else is the end. The state of the
// interrupted code stays on the stack: R0 to R30 at 32, then ELR and SPSR, Q0 to Q31
// at 304.
TEXT ·nested(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVD	RSP, R0                 // by way of R0: the linker's stack check need not know
	SUB	$(832-16), R0
	MOVD	R0, RSP
	ADD	$32, R0
	SAVEX(R0)
	LDP	784(R0), (R2, R3)       // R0 and R1, as the vector pushed them
	STP	(R2, R3), 0(R0)
	MRS	ELR_EL1, R2
	MRS	SPSR_EL1, R3
	STP	(R2, R3), 248(R0)
	ADD	$272, R0, R2
	SAVEQ(R2)
	MRS	ESR_EL1, R2
	MRS	FAR_EL1, R3
	MRS	ELR_EL1, R4
	MOVD	R2, 8(RSP)
	MOVD	R3, 16(RSP)
	MOVD	R4, 24(RSP)
	NO_FRAME
	BL	·onNested(SB)
	ADD	$32, RSP, R0
	ADD	$272, R0, R2
	LOADQ(R2)
	LDP	248(R0), (R2, R3)
	MSR	R2, ELR_EL1
	MSR	R3, SPSR_EL1
	LDP	16(R0), (R2, R3)
	LDP	32(R0), (R4, R5)
	LDP	48(R0), (R6, R7)
	LDP	64(R0), (R8, R9)
	LDP	80(R0), (R10, R11)
	LDP	96(R0), (R12, R13)
	LDP	112(R0), (R14, R15)
	LDP	128(R0), (R16, R17)
	LDP	144(R0), (R18_PLATFORM, R19)
	LDP	160(R0), (R20, R21)
	LDP	176(R0), (R22, R23)
	LDP	192(R0), (R24, R25)
	LDP	208(R0), (R26, R27)
	LOAD_G_FRAME(224, R0)
	MOVD	240(R0), R30
	ADD	$(832-32), R0, R1
	MOVD	R1, RSP
	LDP	0(R0), (R0, R1)         // below RSP now; with everything masked nobody writes there
	ERET

// fatal: an exception that nobody expects; R1 tells its vector.
TEXT ·fatal(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MRS	TPIDR_EL1, R0
	MOVD	archCPU_stack(R0), R2
	SUB	$4096, R2               // what is above is evidence
	MOVD	R2, RSP
	MOVD	R30, R5
	MOVD	archCPU_g(R0), g
	MRS	ESR_EL1, R2
	MRS	FAR_EL1, R3
	MRS	ELR_EL1, R4
	SUB	$64, RSP
	MOVD	R1, 8(RSP)
	MOVD	R2, 16(RSP)
	MOVD	R3, 24(RSP)
	MOVD	R4, 32(RSP)
	MOVD	R5, 40(RSP)
	NO_FRAME
	BL	·onFatal(SB)
	B	0(PC)

// func enterUser(r *machine.Regs, s *machine.Space) (cause, esr, far uint64)
//
// It runs user code and returns what ended that: causeSyscall; causeException, which esr
// and far describe; causeInterrupt, one of the CPU, which is taken on the caller's behalf
// as soon as interrupts are unmasked here; causeKick, r.Kick or another CPU than r.OnlyCPU. With causeNoSpace it has
// run nothing: s needs an address space identifier.
//
// System registers that hold the right value already are not written: reading is cheap
// everywhere, and writing is not.
TEXT ·enterUser(SB),NOSPLIT|NOFRAME,$0-40
	MSR	$2, DAIFSet
	MOVD	r+0(FP), R0
	MOVD	s+8(FP), R1
	MRS	TPIDR_EL1, R2
	MOVD	const_spaceTag(R1), R3
	LDP	archCPU_active(R2), (R4, R6)
	CBZ	R3, assign              // it never ran; and active may be 0, too
	CMP	R3, R4
	BNE	space
	CBNZ	R6, ticked

ready:
	// Kick stores r.Kick, then looks for r among the uregs; we the other way round.
	MOVD	R0, archCPU_uregs(R2)
	DMB	$11
	MOVD	const_regsKick(R0), R5  // and OnlyCPU in the upper half
	CBNZ	R5, asked
allowed:
	MOVD	RSP, R5
	STP	(R5, R30), archCPU_goSP(R2)
	STP	(g, R29), archCPU_goG(R2)
	LDP	const_regsPSTATE(R0), (R3, R4)
	MOVD	$const_userPSTATE, R5
	AND	R5, R3                  // EL0, AArch64, nothing masked
	TBNZ	$21, R3, step
load:
	MRS	SPSR_EL1, R5
	CMP	R3, R5
	BEQ	pstate
	MSR	R3, SPSR_EL1
pstate:
	MRS	TPIDR_EL0, R5
	CMP	R4, R5
	BEQ	tls
	MSR	R4, TPIDR_EL0
tls:
	LDP	const_regsSP(R0), (R3, R4)
	MOVD	R3, RSP                 // SP_EL0: the user's from here on
	MRS	ELR_EL1, R5
	CMP	R4, R5
	BEQ	pc
	MSR	R4, ELR_EL1
pc:
	LDP	const_regsFPSR(R0), (R3, R4)
	MSR	R3, FPSR
	CBZ	R4, fpcr                // Go's is 0 always, and most programs'
	MSR	R4, FPCR
fpcr:
	ADD	$const_regsV, R0, R2
	LOADQ(R2)
	LOADX
	ERET

ticked:
	MOVD	ZR, archCPU_ticked(R2)
	MOVD	const_regsTicks(R0), R5
	ADD	$1, R5
	MOVD	R5, const_regsTicks(R0)
	B	ready

step:	// PSTATE.SS: one instruction, then a software step exception.
	MOVD	$1, R5
	MSR	R5, MDSCR_EL1
	MOVD	R5, archCPU_step(R2)
	B	load

space:	// Switch address spaces: asid_arm64.go explains.
	MOVD	$·asids(SB), R5
	MOVD	asidState_generation(R5), R5
	EOR	R3, R5
	LSR	$16, R5
	CBNZ	R5, assign
	CBZ	R4, assign
	ADD	$archCPU_active, R2, R7
swap:
	LDAXR	(R7), R5
	CMP	R4, R5
	BNE	assign
	STLXR	R3, (R7), R6
	CBNZ	R6, swap
	MOVD	const_spaceRoot(R1), R5
	MOVD	R5, archCPU_root(R2)
	LSL	$12, R5
	ORR	R3<<48, R5
	MSR	R5, TTBR0_EL1
	ISB	$15
	B	ready
assign:
	WORD	$0xd5033f5f             // CLREX
	MSR	$2, DAIFClr
	MOVD	$const_causeNoSpace, R1
	MOVD	R1, cause+16(FP)
	RET

asked:
	CBNZW	R5, kicked
	MOVD	archCPU_number(R2), R3
	CMP	R3<<32, R5
	BEQ	allowed
kicked:
	MOVD	ZR, archCPU_uregs(R2)
	MOVW	ZR, const_regsKick(R0)
	MSR	$2, DAIFClr
	MOVD	$const_causeKick, R1
	MOVD	R1, cause+16(FP)
	RET

// fromUser is the other half of enterUser: where user code comes out, with 0 in R1 for
// an exception and 1 for an interrupt. It ends on the goroutine's stack, as enterUser.
TEXT ·fromUser(SB),NOSPLIT|NOFRAME,$0-40
	MRS	TPIDR_EL1, R0
	MOVD	archCPU_uregs(R0), R0
	SAVEX(R0)
	LDP.P	16(RSP), (R2, R3)       // and SP_EL1 is as it was
	STP	(R2, R3), 0(R0)
	MSR	$0, SPSel
	MOVD	RSP, R2                 // SP_EL0, the user's
	MRS	ELR_EL1, R3
	STP	(R2, R3), const_regsSP(R0)
	MRS	SPSR_EL1, R2
	MRS	TPIDR_EL0, R3
	STP	(R2, R3), const_regsPSTATE(R0)
	MRS	FPSR, R2
	MRS	FPCR, R3
	STP	(R2, R3), const_regsFPSR(R0)
	ADD	$const_regsV, R0, R2
	SAVEQ(R2)
	CBZ	R3, fpcr                // what Go expects
	MSR	ZR, FPCR
fpcr:
	MRS	TPIDR_EL1, R2
	MOVD	archCPU_step(R2), R3
	CBNZ	R3, unstep
leave:
	MOVD	ZR, archCPU_uregs(R2)
	LDP	archCPU_goSP(R2), (R3, R30)
	GO_FRAME(R2)
	CBNZ	R1, interrupt
	MRS	ESR_EL1, R5
	MOVD	R3, RSP
	LSR	$26, R5, R4
	CMP	$const_ecSVC, R4
	BNE	exception
	MOVD	$const_causeSyscall, R1
	MOVD	R1, cause+16(FP)
	MSR	$6, DAIFClr
	RET
exception:
	MRS	FAR_EL1, R6
	MOVD	R1, cause+16(FP)
	MOVD	R5, esr+24(FP)
	MOVD	R6, far+32(FP)
	MSR	$6, DAIFClr
	RET
interrupt:
	MOVD	R3, RSP
	MOVD	R1, archCPU_fromUser(R2)
	MOVD	R1, cause+16(FP)
	MOVW	ZR, const_regsKick(R0)  // this is the interrupt that was asked for
	MSR	$6, DAIFClr             // and it comes now
	RET

unstep:
	MSR	ZR, MDSCR_EL1
	MOVD	ZR, archCPU_step(R2)
	B	leave
