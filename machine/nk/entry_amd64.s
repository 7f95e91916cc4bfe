#include "textflag.h"
#include "go_asm.h"
#include "entry_amd64.h"

// syscallEntry is where SYSCALL goes (LSTAR). The return address in CX tells who
// called: the Go runtime in ring 0 lives in the upper half, a program in ring 3
// cannot. Interrupts are off (FMASK).
TEXT ·syscallEntry(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	TESTQ	CX, CX
	JGE	user
	MOVQ	SP, archCPU_scratch(GS)
	MOVQ	archCPU_cur(GS), SP
	MOVQ	AX, gprs_ax(SP)
	MOVQ	SP, AX
	SAVE_GPRS
	MOVQ	CX, gprs_ip(AX)
	MOVQ	R11, gprs_flags(AX)
	MOVQ	archCPU_scratch(GS), BX
	MOVQ	BX, gprs_rsp(AX)
	RDFSBASEQ BX
	MOVQ	BX, gprs_fs(AX)
	MOVQ	$0, gprs_aux(AX)
	ENTER_NK
	CALL	·onSyscall(SB)		// Go
	JMP	·resume(SB)

user:
	SWAPGS
	MOVQ	SP, archCPU_scratch(GS)
	MOVQ	archCPU_uregs(GS), SP
	MOVQ	AX, gprs_ax(SP)
	MOVQ	SP, AX
	SAVE_GPRS
	MOVQ	CX, gprs_ip(AX)
	MOVQ	R11, gprs_flags(AX)
	MOVQ	archCPU_scratch(GS), BX
	MOVQ	BX, gprs_rsp(AX)
	MOVQ	$CAUSE_SYSCALL, gprs_vec(AX)
	JMP	·userExit(SB)

// resume continues the CPU's current Thread, which the nanokernel may have changed.
TEXT ·resume(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVQ	archCPU_cur(GS), AX
	MOVQ	gprs_fs(AX), BX
	MOVQ	BX, archCPU_goFS(GS)
	WRFSBASEQ BX
	MOVL	$0, archCPU_inside(GS)
	CMPQ	gprs_aux(AX), $0
	JNE	full
	LOAD_GPRS
	XORPS	X15, X15
	MOVQ	gprs_ip(AX), CX
	MOVQ	gprs_rsp(AX), SP
	MOVQ	gprs_ax(AX), AX
	STI
	JMP	CX
full:
	LOAD_XMM(Context_xmm)		// never FXRSTOR: x87 and AVX belong to archCPU_fpOwner
	MOVQ	archCPU_nkStack(GS), SP
	SUBQ	$48, SP
	MOVQ	gprs_ip(AX), BX
	MOVQ	BX, 0(SP)
	MOVQ	$SEL_KCODE, 8(SP)
	MOVQ	gprs_flags(AX), BX
	MOVQ	BX, 16(SP)
	MOVQ	gprs_rsp(AX), BX
	MOVQ	BX, 24(SP)
	MOVQ	$SEL_KDATA, 32(SP)
	LOAD_GPRS
	MOVQ	gprs_ax(AX), AX
	IRETQ

// idleLoop is the body of the idle Threads.
TEXT ·idleLoop(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
again:
	STI
	HLT
	JMP	again

// fromUser: an exception or interrupt ended user mode. Stack: vector, error code,
// IP, CS, flags, SP, SS. DR6 takes CR2's place for a debug exception.
TEXT ·fromUser(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	SWAPGS
	MOVQ	AX, archCPU_scratch(GS)
	MOVQ	archCPU_uregs(GS), AX
	SAVE_GPRS
	MOVQ	archCPU_scratch(GS), BX
	MOVQ	BX, gprs_ax(AX)
	MOVBQZX	0(SP), CX
	MOVQ	CX, gprs_vec(AX)
	MOVQ	8(SP), BX
	MOVQ	BX, gprs_err(AX)
	MOVQ	16(SP), BX
	MOVQ	BX, gprs_ip(AX)
	MOVQ	32(SP), BX
	MOVQ	BX, gprs_flags(AX)
	MOVQ	40(SP), BX
	MOVQ	BX, gprs_rsp(AX)
	CMPQ	CX, $1
	JEQ	debug
	MOVQ	CR2, BX
	MOVQ	BX, gprs_cr2(AX)
	JMP	·userExit(SB)
debug:
	BYTE $0x0f; BYTE $0x21; BYTE $0xf3	// MOV DR6, BX
	MOVQ	BX, gprs_cr2(AX)
	MOVL	$0xffff0ff0, BX
	BYTE $0x0f; BYTE $0x23; BYTE $0xf3	// MOV BX, DR6
	JMP	·userExit(SB)

// irqCommon: an interrupt, on the nanokernel stack. It never hits the nanokernel.
TEXT ·irqCommon(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	TESTB	$3, 24(SP)
	JNE	user
	MOVQ	AX, archCPU_scratch(GS)
	MOVQ	archCPU_cur(GS), AX
	SAVE_GPRS
	MOVQ	archCPU_scratch(GS), BX
	MOVQ	BX, gprs_ax(AX)
	MOVQ	16(SP), BX
	MOVQ	BX, gprs_ip(AX)
	MOVQ	32(SP), BX
	MOVQ	BX, gprs_flags(AX)
	MOVQ	40(SP), BX
	MOVQ	BX, gprs_rsp(AX)
	RDFSBASEQ BX
	MOVQ	BX, gprs_fs(AX)
	MOVQ	$1, gprs_aux(AX)
	SAVE_XMM(Context_xmm)
	MOVBQZX	0(SP), DI
	ENTER_NK
	CLD
	SUBQ	$16, SP
	MOVQ	DI, 0(SP)
	CALL	·onInterrupt(SB)	// Go
	JMP	·resume(SB)
user:
	JMP	·fromUser(SB)

// excCommon: an exception, on the exception stack.
TEXT ·excCommon(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	TESTB	$3, 24(SP)
	JNE	user
	CMPL	archCPU_inside(GS), $0
	JNE	nested
	// In Go code: save into its Thread and go on like an interrupt.
	MOVQ	AX, archCPU_scratch(GS)
	MOVQ	archCPU_cur(GS), AX
	SAVE_GPRS
	MOVQ	archCPU_scratch(GS), BX
	MOVQ	BX, gprs_ax(AX)
	MOVBQZX	0(SP), BX
	MOVQ	BX, gprs_vec(AX)
	MOVQ	8(SP), BX
	MOVQ	BX, gprs_err(AX)
	MOVQ	16(SP), BX
	MOVQ	BX, gprs_ip(AX)
	MOVQ	32(SP), BX
	MOVQ	BX, gprs_flags(AX)
	MOVQ	40(SP), BX
	MOVQ	BX, gprs_rsp(AX)
	MOVQ	CR2, BX
	MOVQ	BX, gprs_cr2(AX)
	RDFSBASEQ BX
	MOVQ	BX, gprs_fs(AX)
	MOVQ	$1, gprs_aux(AX)
	SAVE_XMM(Context_xmm)
	ENTER_NK
	CLD
	CALL	·onException(SB)	// Go
	JMP	·resume(SB)
nested:
	// In the nanokernel: a page of the runtime's memory that it touched is not there
	// yet, or a bug. Served in place, on this stack.
	SUBQ	$Context__size, SP
	MOVQ	AX, gprs_ax(SP)
	MOVQ	SP, AX
	SAVE_GPRS
	SAVE_XMM(Context_xmm)
	MOVQ	(Context__size+0)(AX), BX
	MOVQ	BX, gprs_vec(AX)
	MOVQ	(Context__size+8)(AX), BX
	MOVQ	BX, gprs_err(AX)
	MOVQ	(Context__size+16)(AX), BX
	MOVQ	BX, gprs_ip(AX)
	MOVQ	(Context__size+32)(AX), BX
	MOVQ	BX, gprs_flags(AX)
	MOVQ	(Context__size+40)(AX), BX
	MOVQ	BX, gprs_rsp(AX)
	MOVQ	CR2, BX
	MOVQ	BX, gprs_cr2(AX)
	RDFSBASEQ BX
	MOVQ	BX, gprs_fs(AX)
	MOVQ	archCPU_excFS(GS), BX
	WRFSBASEQ BX
	MOVQ	archCPU_excG(GS), R14
	XORPS	X15, X15
	CLD
	NO_BP
	SUBQ	$16, SP
	MOVQ	AX, 0(SP)
	CALL	·onNested(SB)		// Go
	LEAQ	16(SP), AX
	LOAD_XMM(Context_xmm)
	MOVQ	gprs_fs(AX), BX
	WRFSBASEQ BX
	LOAD_GPRS
	MOVQ	AX, SP
	MOVQ	gprs_ax(SP), AX
	ADDQ	$(Context__size+16), SP
	IRETQ
user:
	JMP	·fromUser(SB)

// fatalCommon: a double fault or machine check, on the NMI stack. GS may be
// anybody's: its sign tells.
TEXT ·fatalCommon(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	SUBQ	$Context__size, SP
	MOVQ	AX, gprs_ax(SP)
	MOVQ	SP, AX
	SAVE_GPRS
	MOVQ	(Context__size+0)(AX), BX
	MOVQ	BX, gprs_vec(AX)
	MOVQ	(Context__size+8)(AX), BX
	MOVQ	BX, gprs_err(AX)
	MOVQ	(Context__size+16)(AX), BX
	MOVQ	BX, gprs_ip(AX)
	MOVQ	(Context__size+32)(AX), BX
	MOVQ	BX, gprs_flags(AX)
	MOVQ	(Context__size+40)(AX), BX
	MOVQ	BX, gprs_rsp(AX)
	MOVQ	CR2, BX
	MOVQ	BX, gprs_cr2(AX)
	RDGSBASEQ BX
	TESTQ	BX, BX
	JLT	kernelGS
	SWAPGS
kernelGS:
	MOVQ	archCPU_excFS(GS), BX
	WRFSBASEQ BX
	MOVQ	archCPU_excG(GS), R14
	MOVQ	$0, 16(R14)		// stackguard0: this is not the exception stack
	MOVQ	$0, 24(R14)
	XORPS	X15, X15
	CLD
	NO_BP
	SUBQ	$16, SP
	MOVQ	AX, 0(SP)
	CALL	·onFatal(SB)		// Go; does not return
	JMP	0(PC)

// vectors: 256 stubs of 16 bytes that push an error code where the CPU does not,
// and the vector.
#define NOERR(n) BYTE $0x6a; BYTE $0; BYTE $0x6a; BYTE $(n); JMP ·excCommon(SB); PCALIGN $16
#define ERR(n) BYTE $0x6a; BYTE $(n); JMP ·excCommon(SB); PCALIGN $16
#define FATAL(n) BYTE $0x6a; BYTE $(n); JMP ·fatalCommon(SB); PCALIGN $16
#define FATAL0(n) BYTE $0x6a; BYTE $0; BYTE $0x6a; BYTE $(n); JMP ·fatalCommon(SB); PCALIGN $16
#define IRQ(n) BYTE $0x6a; BYTE $0; BYTE $0x6a; BYTE $(n); JMP ·irqCommon(SB); PCALIGN $16
#define IRQ16(n) \
	IRQ(n+0); IRQ(n+1); IRQ(n+2); IRQ(n+3); IRQ(n+4); IRQ(n+5); IRQ(n+6); IRQ(n+7); \
	IRQ(n+8); IRQ(n+9); IRQ(n+10); IRQ(n+11); IRQ(n+12); IRQ(n+13); IRQ(n+14); IRQ(n+15)

TEXT ·vectors(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	NOERR(0)
	NOERR(1)
	IRETQ			// 2: NMI, of no use here
	PCALIGN $16
	NOERR(3)
	NOERR(4)
	NOERR(5)
	NOERR(6)
	NOERR(7)
	FATAL(8)
	NOERR(9)
	ERR(10)
	ERR(11)
	ERR(12)
	ERR(13)
	ERR(14)
	NOERR(15)
	NOERR(16)
	ERR(17)
	FATAL0(18)
	NOERR(19)
	NOERR(20)
	ERR(21)
	NOERR(22)
	NOERR(23)
	NOERR(24)
	NOERR(25)
	NOERR(26)
	NOERR(27)
	NOERR(28)
	ERR(29)
	ERR(30)
	NOERR(31)
	IRQ16(0x20)
	IRQ16(0x30)
	IRQ16(0x40)
	IRQ16(0x50)
	IRQ16(0x60)
	IRQ16(0x70)
	IRQ16(0x80)
	IRQ16(0x90)
	IRQ16(0xa0)
	IRQ16(0xb0)
	IRQ16(0xc0)
	IRQ16(0xd0)
	IRQ16(0xe0)
	IRQ16(0xf0)
