#include "textflag.h"
#include "go_asm.h"
#include "entry_amd64.h"

// PVHEntry is where the boot loader starts the kernel (xen/include/public/arch-x86/
// hvm/start_info.h; the ELF note that names it is written by internal/image): 32-bit
// protected mode, paging off, flat segments, BX = physical address of
// hvm_start_info, no usable stack.
//
// The assembler knows no 32-bit mode, but an instruction without REX prefix and
// without an absolute or IP-relative operand has the same bytes in both modes: the
// code is written in those, and BYTE for the rest. It is position independent.
TEXT ·PVHEntry(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	CLI
	CLD
	// Borrow hvm_start_info.reserved (offset 52) as a one-slot stack to learn our own
	// physical address.
	LEAL	56(BX), SP
	BYTE	$0xe8; LONG $0		// call next
	BYTE	$0x5f			// next: pop edi, the address P
	LEAL	·bootTables(SB), AX	// disp32: bootTables - (P+7)
	LEAL	4102(DI)(AX*1), DI	// + 7 + 4095
	ANDL	$-4096, DI		// zeroed pages: PML4, PDPT low, PDPT high, 4 page directories
	LEAL	0x1003(DI), AX
	MOVL	AX, 0(DI)		// PML4[0]: identity, for the way up of each CPU
	MOVL	AX, (256*8)(DI)		// PML4[256]: the direct map
	LEAL	0x2003(DI), AX
	MOVL	AX, (511*8)(DI)		// PML4[511]: the image
	LEAL	0x3003(DI), AX
	MOVL	AX, (0x2000+510*8)(DI)
	MOVL	AX, 0x1000(DI)
	ADDL	$0x1000, AX
	MOVL	AX, 0x1008(DI)
	ADDL	$0x1000, AX
	MOVL	AX, 0x1010(DI)
	ADDL	$0x1000, AX
	MOVL	AX, 0x1018(DI)
	LEAL	0x3000(DI), SI
	MOVL	$0x83, AX		// present, writable, 2 MiB
	MOVL	$2048, CX
pd:	MOVL	AX, (SI)
	ADDL	$8, SI
	ADDL	$0x200000, AX
	SUBL	$1, CX
	JNE	pd

	MOVL	$0x6a0, AX		// PAE, PGE, OSFXSR, OSXMMEXCPT; OSXSAVE comes with XCR0
	BYTE $0x0f; BYTE $0x22; BYTE $0xe0	// mov cr4, eax
	BYTE $0x0f; BYTE $0x22; BYTE $0xdf	// mov cr3, edi
	MOVL	$0xc0000080, CX		// EFER: SCE, LME, NXE
	RDMSR
	ORL	$0x901, AX
	WRMSR
	MOVL	$0x80010033, AX		// CR0: PG, WP, NE, ET, MP, PE
	BYTE $0x0f; BYTE $0x22; BYTE $0xc0	// mov cr0, eax: compatibility mode now

	// A stack and a GDT in the tables' slack page, and a far return.
	LEAL	0x8000(DI), SP
	MOVL	$0, -64(SP)
	MOVL	$0, -60(SP)
	MOVL	$0x0000ffff, -56(SP)	// 0x08: 64-bit code
	MOVL	$0x00af9b00, -52(SP)
	MOVL	$0x0000ffff, -48(SP)	// 0x10: data
	MOVL	$0x00cf9300, -44(SP)
	LEAL	-64(SP), AX
	MOVL	AX, -30(SP)
	MOVW	$23, -32(SP)
	LEAL	-32(SP), AX
	BYTE $0x0f; BYTE $0x01; BYTE $0x10	// lgdt (eax)
	BYTE	$0xe8; LONG $0		// call next
	BYTE	$0x5e			// next: pop esi, the address P
	LEAL	·start64(SB), AX
	LEAL	7(SI)(AX*1), AX
	BYTE	$0x6a; BYTE $0x08	// push 8
	BYTE	$0x50			// push eax
	BYTE	$0xcb			// retf

// start64: 64-bit mode, still at the identity address.
TEXT ·start64(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVL	$0x10, AX
	MOVW	AX, DS
	MOVW	AX, ES
	MOVW	AX, SS
	MOVQ	·start64highPC(SB), AX
	JMP	AX

DATA ·start64highPC+0(SB)/8, $·start64high(SB)
GLOBL ·start64highPC(SB),RODATA,$8

// start64high: at the linked address. It makes what Go code needs: a stack, GS with
// enough of the CPU's block, a fake g in R14 and in thread-local storage.
TEXT ·start64high(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	RDTSC
	SHLQ	$32, DX
	ORQ	DX, AX
	MOVQ	AX, ·bootTSC(SB)
	MOVL	BX, BX			// still start_info
	MOVQ	BX, ·startInfo(SB)
	MOVQ	CR3, AX
	MOVQ	AX, ·bootRoot(SB)
	LEAQ	·bootStack+32768(SB), SP
	ANDQ	$~63, SP
	LEAQ	·bootG(SB), R14
	LEAQ	·bootStack+2048(SB), CX
	MOVQ	CX, 16(R14)		// stackguard0
	MOVQ	CX, 24(R14)		// stackguard1
	LEAQ	·bootTLS+8(SB), CX
	MOVQ	R14, -8(CX)
	// Without FSGSBASE there is no way on, and nothing to say it with but this.
	MOVQ	SP, DI
	MOVL	$7, AX
	XORL	CX, CX
	CPUID
	TESTL	$1, BX
	JEQ	nofsgsbase
	MOVQ	CR4, AX
	ORQ	$0x10000, AX		// FSGSBASE
	MOVQ	AX, CR4
	LEAQ	·cpus(SB), BX
	WRGSBASEQ BX
	MOVQ	BX, archCPU_self(BX)
	MOVL	$1, archCPU_inside(BX)
	LEAQ	·bootTLS+8(SB), CX
	WRFSBASEQ CX
	XORPS	X15, X15
	NO_BP
	CALL	·start(SB)		// Go
	JMP	·resume(SB)
nofsgsbase:
	LEAQ	·noFSGSBASE(SB), SI
	MOVL	$0x3f8, DX
char:
	MOVB	(SI), AX
	TESTB	AX, AX
	JEQ	stop
	OUTB
	INCQ	SI
	JMP	char
stop:
	MOVL	$0xf4, DX
	MOVL	$125, AX
	OUTB
	HLT
	JMP	stop

DATA ·noFSGSBASE+0(SB)/8, $"kernel: "
DATA ·noFSGSBASE+8(SB)/8, $"the CPU "
DATA ·noFSGSBASE+16(SB)/8, $"lacks FS"
DATA ·noFSGSBASE+24(SB)/8, $"GSBASE, "
DATA ·noFSGSBASE+32(SB)/8, $"which th"
DATA ·noFSGSBASE+40(SB)/8, $"is kerne"
DATA ·noFSGSBASE+48(SB)/8, $"l needs\r"
DATA ·noFSGSBASE+56(SB)/8, $"\n\x00\x00\x00\x00\x00\x00\x00"
GLOBL ·noFSGSBASE(SB),RODATA,$64

GLOBL ·bootTables(SB),NOPTR,$40960
GLOBL ·bootStack(SB),NOPTR,$32832
GLOBL ·bootExc(SB),NOPTR,$8256
GLOBL ·bootG(SB),NOPTR,$1024
GLOBL ·bootTLS(SB),NOPTR,$64

// apStart: another CPU arrives from the trampoline, in 64-bit mode on the boot
// tables, with ·apBlock its CPU block.
TEXT ·apStart(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVL	$0x10, AX
	MOVW	AX, DS
	MOVW	AX, ES
	MOVW	AX, SS
	MOVQ	CR4, AX
	ORQ	$0x10000, AX		// FSGSBASE
	MOVQ	AX, CR4
	MOVQ	·apRoot(SB), AX
	MOVQ	AX, CR3
	MOVQ	·apBlock(SB), BX
	WRGSBASEQ BX
	ENTER_NK
	SUBQ	$16, SP
	MOVQ	archCPU_self(GS), AX
	MOVQ	AX, 0(SP)
	CALL	·startCPU(SB)		// Go
	JMP	·resume(SB)

// Places, for Go.
TEXT ·symbols(SB),NOSPLIT,$0-8
	MOVQ	p+0(FP), DI
	LEAQ	·vectors(SB), AX
	MOVQ	AX, places_vectors(DI)
	LEAQ	·syscallEntry(SB), AX
	MOVQ	AX, places_syscallEntry(DI)
	LEAQ	·idleLoop(SB), AX
	MOVQ	AX, places_idleLoop(DI)
	LEAQ	·apStart(SB), AX
	MOVQ	AX, places_apStart(DI)
	LEAQ	·vdsoClockGettime(SB), AX
	MOVQ	AX, places_vdsoClock(DI)
	LEAQ	_rt0_amd64_linux(SB), AX
	MOVQ	AX, places_rt0(DI)
	LEAQ	runtime·text(SB), AX
	MOVQ	AX, places_text(DI)
	LEAQ	runtime·etext(SB), AX
	MOVQ	AX, places_etext(DI)
	LEAQ	runtime·erodata(SB), AX
	MOVQ	AX, places_erodata(DI)
	LEAQ	runtime·end(SB), AX
	MOVQ	AX, places_end(DI)
	LEAQ	·bootStack(SB), AX
	MOVQ	AX, places_bootStack(DI)
	LEAQ	·bootExc(SB), AX
	MOVQ	AX, places_bootExc(DI)
	RET
