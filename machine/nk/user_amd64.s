#include "textflag.h"
#include "go_asm.h"
#include "entry_amd64.h"

// func enterUser(r *userRegs, root uint64) (cause uint64)
//
// enterUser runs user code in ring 3 until a system call, exception or interrupt.
// The Go caller sees a function call: userExit returns from it. It trusts nothing in r
// that could fault in ring 0. As every assembly function it may leave anything in
// registers but SP and BP.
TEXT ·enterUser(SB),NOSPLIT,$0-24
	MOVQ	r+0(FP), AX
	MOVQ	root+8(FP), DX
	CMPQ	gprs_aux(AX), AX
	JNE	unknown
	CLI
	// Announce r before looking at what others may ask of us: XCHG is a full
	// barrier (SDM volume 3, section 8.2.5). Whoever asks later sends an interrupt.
	MOVQ	AX, BX
	XCHGQ	BX, archCPU_uregs(GS)
	CMPL	userRegs_kick(AX), $0
	JNE	kicked
	MOVQ	SP, archCPU_goSP(GS)
	MOVQ	BP, archCPU_goBP(GS)
	CMPQ	archCPU_stale(GS), $0	// and ticked
	JNE	look
	CMPQ	DX, archCPU_cr3(GS)
	JNE	load
loaded:
	// x87 and AVX: lazily, see user_amd64.go.
	MOVL	archCPU_fpID(GS), BX	// 1 + number of this CPU
	CMPQ	archCPU_fpOwner(GS), AX
	JNE	notowner
	CMPL	BX, userRegs_fpcpu(AX)
	JNE	notowner
	LOAD_XMM(U_XMM)
	MOVL	U_MXCSR(AX), BX
	TESTL	$0xffff0000, BX
	JNE	reserved
	LDMXCSR	U_MXCSR(AX)		// always: Go's own has sticky flags
fpdone:
	MOVQ	gprs_fs(AX), BX
	SHLQ	$16, BX			// canonical, whatever it is
	SARQ	$16, BX
	WRFSBASEQ BX
	MOVQ	gprs_flags(AX), R11
	ANDL	$const_userFlags, R11
	ORL	$(const_flagIF|const_flagAlways), R11
	MOVQ	gprs_ip(AX), CX
	// SYSRET after SYSCALL, to a low address only (a non-canonical one would fault
	// in ring 0 on the user's stack), not with TF or RF set, and not where CX and R11
	// matter because the registers became others since (a signal handler's return).
	CMPQ	gprs_vec(AX), $CAUSE_SYSCALL
	JNE	iret
	MOVQ	CX, BX
	SHRQ	$47, BX
	JNE	iret
	CMPQ	CX, gprs_cx(AX)
	JNE	iret
	CMPQ	R11, gprs_r11(AX)
	JNE	iret
	TESTQ	$0x10100, R11
	JNE	iret
	SWAPGS
	MOVQ	gprs_gs(AX), BX
	SHLQ	$16, BX
	SARQ	$16, BX
	WRGSBASEQ BX
	LOAD_GPRS			// CX and R11 are what they are
	MOVQ	gprs_rsp(AX), SP
	MOVQ	gprs_ax(AX), AX
	BYTE	$0x48; SYSRET
iret:
	MOVQ	CX, BX
	SHLQ	$16, BX
	SARQ	$16, BX
	CMPQ	BX, CX
	JNE	nowhere
	MOVQ	archCPU_nkStack(GS), SP
	SUBQ	$48, SP
	MOVQ	CX, 0(SP)
	MOVQ	$SEL_UCODE, 8(SP)
	MOVQ	R11, 16(SP)
	MOVQ	gprs_rsp(AX), BX
	MOVQ	BX, 24(SP)
	MOVQ	$SEL_UDATA, 32(SP)
	SWAPGS
	MOVQ	gprs_gs(AX), BX
	SHLQ	$16, BX
	SARQ	$16, BX
	WRGSBASEQ BX
	LOAD_GPRS
	MOVQ	gprs_ax(AX), AX
	IRETQ

look:
	CMPL	archCPU_ticked(GS), $0
	JEQ	load
	MOVL	$0, archCPU_ticked(GS)
	INCQ	userRegs_kernelTicks(AX)
load:
	MOVL	$0, archCPU_stale(GS)	// before the load: a flush asked for in between may come twice
	MOVQ	DX, archCPU_cr3(GS)
	MOVQ	DX, CR3
	JMP	loaded

reserved:	// bits that LDMXCSR faults on
	MOVWLZX	BX, BX
	MOVL	BX, U_MXCSR(AX)
	LDMXCSR	U_MXCSR(AX)
	JMP	fpdone

notowner:
	CMPL	userRegs_fpcpu(AX), $0
	JNE	elsewhere
	// Here comes whoever did not run on this CPU last: the place to ask whether it may.
	CMPL	userRegs_onlyCPU(AX), $0
	JEQ	anywhere
	CMPL	BX, userRegs_onlyCPU(AX)
	JNE	kicked
anywhere:
	// Save x87 and AVX of the owner so far, and only then be named as the owner: while
	// its state is nowhere but here, whoever fetches it must find that it is here.
	MOVQ	AX, SI
	MOVQ	archCPU_fpOwner(GS), DI
	TESTQ	DI, DI
	JEQ	own
	CMPQ	DI, SI
	JEQ	own			// ours, reset
	CMPL	BX, userRegs_fpcpu(DI)
	JNE	own			// its state was reset meanwhile
	// Its XMM and MXCSR are saved already, and XSAVE of AVX writes MXCSR, too.
	MOVL	U_MXCSR(DI), R8
	MOVL	$5, AX
	XORL	DX, DX
	XSAVE64	userRegs_fx(DI)
	MOVL	R8, U_MXCSR(DI)
	MOVL	$0, userRegs_fpcpu(DI)
own:
	MOVL	BX, userRegs_fpcpu(SI)
	MOVQ	SI, archCPU_fpOwner(GS)
	// A valid header, whatever a program had it made of: XMM is always there.
	MOVQ	(userRegs_fx+512)(SI), BX
	ANDL	·xcr0(SB), BX
	ORL	$2, BX
	MOVQ	BX, (userRegs_fx+512)(SI)
	XORL	BX, BX
	MOVQ	BX, (userRegs_fx+520)(SI)
	MOVQ	BX, (userRegs_fx+528)(SI)
	MOVQ	BX, (userRegs_fx+536)(SI)
	MOVQ	BX, (userRegs_fx+544)(SI)
	MOVQ	BX, (userRegs_fx+552)(SI)
	MOVQ	BX, (userRegs_fx+560)(SI)
	MOVQ	BX, (userRegs_fx+568)(SI)
	MOVWLZX	U_MXCSR(SI), BX
	MOVL	BX, U_MXCSR(SI)
	MOVL	$7, AX
	XORL	DX, DX
	XRSTOR64 userRegs_fx(SI)
	MOVQ	SI, AX
	JMP	fpdone

unknown:
	MOVQ	$CAUSE_NEW, cause+16(FP)
	RET
nowhere:
	// The program's FS base is in already.
	MOVQ	archCPU_goFS(GS), BX
	WRFSBASEQ BX
	LDMXCSR	·mxcsr(SB)
	MOVQ	$CAUSE_ADDRESS, BX
	JMP	back
kicked:
	MOVQ	$CAUSE_KICK, BX
	JMP	back
elsewhere:
	MOVQ	$CAUSE_FETCH, BX
back:
	MOVQ	$0, archCPU_uregs(GS)
	STI
	MOVQ	BX, cause+16(FP)
	RET

// userExit: AX is the user's registers, general ones saved; GS is the kernel's.
TEXT ·userExit(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	CLD
	SAVE_XMM(U_XMM)
	STMXCSR	U_MXCSR(AX)
	MOVL	U_MXCSR(AX), BX
	ANDL	$-64, BX		// sticky flags do not matter to Go
	CMPL	BX, $0x1f80
	JNE	mxcsr
go:
	RDFSBASEQ BX
	MOVQ	BX, gprs_fs(AX)
	SWAPGS
	RDGSBASEQ BX
	SWAPGS
	MOVQ	BX, gprs_gs(AX)
	MOVQ	$0, archCPU_uregs(GS)
	MOVQ	archCPU_goFS(GS), BX
	WRFSBASEQ BX
	MOVQ	archCPU_goSP(GS), SP
	LOAD_BP
	MOVQ	gprs_vec(AX), BX
	MOVQ	BX, 24(SP)		// cause+16(FP) of enterUser
	CMPQ	BX, $CAUSE_SYSCALL
	JEQ	done
	CMPQ	BX, $32
	JLT	done
	// An interrupt: the nanokernel serves it now, and may run other threads before
	// enterUser returns.
	MOVQ	BX, DI
	MOVL	$const_callInterrupt, AX
	SYSCALL
done:
	STI
	RET
mxcsr:
	LDMXCSR	·mxcsr(SB)
	JMP	go

DATA ·mxcsr+0(SB)/4, $0x1f80
GLOBL ·mxcsr(SB),RODATA,$4

// func xsave(r *userRegs): saves x87 and AVX, not XMM and MXCSR.
TEXT ·xsave(SB),NOSPLIT,$0-8
	MOVQ	r+0(FP), DI
	MOVL	U_MXCSR(DI), BX
	MOVL	$5, AX
	XORL	DX, DX
	XSAVE64	userRegs_fx(DI)
	MOVL	BX, U_MXCSR(DI)
	RET

// func enableXSAVE(mask uint32): CR4.OSXSAVE; XCR0 with x87, SSE and, where there is, AVX.
TEXT ·enableXSAVE(SB),NOSPLIT,$0-4
	MOVQ	CR4, AX
	ORQ	$0x40000, AX
	MOVQ	AX, CR4
	XORL	CX, CX
	XORL	DX, DX
	MOVL	mask+0(FP), AX
	XSETBV
	RET
