// The way from the boot loader to the nanokernel: start in boot.go.
//
// entry is where the Linux boot protocol (Documentation/arch/arm64/booting.rst)
// and a bare ELF loader come in, secondary where PSCI CPU_ON does. Both run with
// the MMU off at a physical address; the assembler's $symbol(SB) is PC-relative and
// so yields physical addresses here, and virtual ones after turnOn.
//
// The temporary page table has the image's 2 MiB blocks at const_imageBase, the
// block with turnOn at its own physical address, and the device tree at
// const_treeBase. Its entries are of address space 1, those of the final table are
// global and used under address space 0: no TLB ever has two entries for one address.
#include "textflag.h"
#include "go_asm.h"
#include "entry_arm64.h"

// Block descriptor: normal memory, inner shareable, accessed, not global, EL1 only.
#define BLOCK 0x0040000000000f05

// SCTLR_EL1 (Arm ARM D19.2.118) with the MMU off: the bits that are one where
// nothing else is known.
#define SCTLR_OFF 0x30d00800

// SCTLR_EL1 that we run with: M, C, SA, SA0, I, DZE (user DC ZVA), UCT (user
// CTR_EL0), nTWI, nTWE (user WFI and WFE), UCI (user cache maintenance) and the
// ones of SCTLR_OFF. WXN stays off: it would apply to user programs, too, whose
// writable pages may be executable.
#define SCTLR_ON 0x34d5d81d
#define SCTLR_SPAN (1<<23)              // PAN is left alone on exception entry

// System registers that the assembler lacks: MSR R1, reg.
#define HCR_EL2     WORD $0xd51c1101
#define CPTR_EL2    WORD $0xd51c1141
#define HSTR_EL2    WORD $0xd51c1161
#define MDCR_EL2    WORD $0xd51c1121
#define HFGRTR_EL2  WORD $0xd51c1181
#define HFGWTR_EL2  WORD $0xd51c11a1
#define HFGITR_EL2  WORD $0xd51c11c1
#define HDFGRTR_EL2 WORD $0xd51c3181
#define HDFGWTR_EL2 WORD $0xd51c31a1
#define HCRX_EL2    WORD $0xd51c1241
#define VTTBR_EL2   WORD $0xd51c2101
#define CNTHCTL_EL2 WORD $0xd51ce101
#define CNTVOFF_EL2 WORD $0xd51ce061
#define VPIDR_EL2   WORD $0xd51c0001
#define VMPIDR_EL2  WORD $0xd51c00a1
#define ICC_SRE_EL2 WORD $0xd51cc9a1
#define SPSR_EL2    WORD $0xd51c4001
#define ELR_EL2     WORD $0xd51c4021
#define AMUSERENR   WORD $0xd51bd261
#define ERET_       WORD $0xd69f03e0

// entry: R0 is the device tree's physical address, or 0.
TEXT ·entry(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MSR	$15, DAIFSet
	MOVD	R0, R20
	BL	·toEL1(SB)
	MRS	CNTVCT_EL0, R23
	MOVD	$runtime·text(SB), R21
	SUB	$4096, R21              // the image's first byte: the header page
	AND	$0x1fffff, R21, R1
	CBNZ	R1, misplaced

	// Is there a device tree? A bare ELF on QEMU finds it at the start of RAM.
	CBNZ	R20, given
	MOVD	$const_defaultImage, R1
	CMP	R1, R21
	BNE	none
	MOVD	$const_defaultRAM, R20
given:
	AND	$7, R20, R1
	CBNZ	R1, none
	MOVWU	(R20), R1
	MOVD	$0xedfe0dd0, R2         // 0xd00dfeed, big-endian
	CMP	R1, R2
	BNE	none
	MOVWU	4(R20), R25
	REVW	R25, R25                // its size
	MOVD	$(2<<20), R1
	CMP	R1, R25
	BLS	tables                  // the boot protocol's limit
none:
	MOVD	ZR, R20
	MOVD	ZR, R25

tables:
	MOVD	$·bootTables(SB), R22   // zero: it is data of the file
	ADD	$4095, R22
	AND	$~4095, R22             // level 0
	ADD	$4096, R22, R2          // levels 1 and 2 of the identity map
	ADD	$8192, R22, R3
	MOVD	$·turnOn(SB), R4
	LSR	$39, R4, R5
	AND	$511, R5
	ORR	$3, R2, R6
	MOVD	R6, (R22)(R5<<3)
	LSR	$30, R4, R5
	AND	$511, R5
	ORR	$3, R3, R6
	MOVD	R6, (R2)(R5<<3)
	MOVD	$BLOCK, R7
	LSR	$21, R4, R5
	LSL	$21, R5, R6
	ORR	R7, R6
	AND	$511, R5
	MOVD	R6, (R3)(R5<<3)

	ADD	$12288, R22, R2         // levels 1 and 2 of the image's map
	ADD	$16384, R22, R3
	ORR	$3, R2, R6
	MOVD	R6, (511*8)(R22)
	ORR	$3, R3, R6
	MOVD	R6, (R2)
	MOVD	$runtime·end(SB), R4
	MOVD	R21, R5
	MOVD	$(2<<20), R8
block:
	ORR	R7, R5, R6
	MOVD.P	R6, 8(R3)
	ADD	R8, R5
	CMP	R4, R5
	BLO	block

	CBZ	R20, flush
	ADD	$16384, R22, R3
	LSR	$21, R20, R5
	LSL	$21, R5
	ORR	R7, R5, R6
	MOVD	R6, (510*8)(R3)
	ADD	R20, R25, R4
	ADD	R8, R5
	CMP	R4, R5
	BHS	flush
	ORR	R7, R5, R6
	MOVD	R6, (511*8)(R3)

flush:	// The tables went past the caches, which may have older copies.
	DMB	$15
	MOVD	R22, R1
	MOVD	$(const_bootTablePages*4096/16), R2
line:
	DC	IVAC, R1
	ADD	$16, R1
	SUBS	$1, R2
	BNE	line
	DSB	$15

	MOVD	R22, R1
	MOVD	$·high(SB), R30
	SUB	R21, R30
	MOVD	$const_imageBase, R2
	ADD	R2, R30
	B	·turnOn(SB)

misplaced:
	// Without a map of the machine there is only QEMU's serial port to say it on.
	MOVD	$const_defaultUART, R1
	MOVD	$·misplaced(SB), R2
char:
	MOVBU.P	1(R2), R3
	CBZ	R3, stop
	MOVW	R3, (R1)
	B	char
stop:
	WFE
	B	stop

DATA ·misplaced+0(SB)/8, $"kevlar: "
DATA ·misplaced+8(SB)/8, $"the imag"
DATA ·misplaced+16(SB)/8, $"e is not"
DATA ·misplaced+24(SB)/8, $" loaded "
DATA ·misplaced+32(SB)/8, $"at a mul"
DATA ·misplaced+40(SB)/8, $"tiple of"
DATA ·misplaced+48(SB)/8, $" 2 MiB\r\n"
DATA ·misplaced+56(SB)/8, $0
GLOBL ·misplaced(SB), NOPTR|RODATA, $64

// Level 0, two tables each for the identity map and the image, and room to align
// them. Not zero, so that it is not in the bss that high clears.
DATA ·bootTables+((const_bootTablePages+1)*4096-8)(SB)/8, $1
GLOBL ·bootTables(SB), NOPTR, $((const_bootTablePages+1)*4096)

// secondary: R0 is the CPU's number.
TEXT ·secondary(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MSR	$15, DAIFSet
	MOVD	R0, R20
	BL	·toEL1(SB)
	MOVD	$runtime·text(SB), R21
	SUB	$4096, R21
	MOVD	$·bootTables(SB), R1
	ADD	$4095, R1
	AND	$~4095, R1
	MOVD	$·secondaryHigh(SB), R30
	SUB	R21, R30
	MOVD	$const_imageBase, R2
	ADD	R2, R30
	B	·turnOn(SB)

// toEL1 returns at EL1 with the MMU and the caches off. At EL2 it first opens to
// EL1 what a hypervisor may close. Clobbers R1 to R3.
TEXT ·toEL1(SB),NOSPLIT|NOFRAME,$0
	MOVD	$SCTLR_OFF, R1
	MSR	R1, SCTLR_EL1
	ISB	$15
	WORD	$0xd5384241             // MRS CurrentEL, R1
	CMP	$(2<<2), R1
	BEQ	el2
	RET
el2:
	MOVD	$(1<<31|3<<40), R1      // EL1 is AArch64 and may use pointer authentication
	HCR_EL2
	ISB	$15
	MOVD	$0x33ff, R1             // nothing traps but SVE's and SME's instructions
	CPTR_EL2
	MOVD	$3, R1
	CNTHCTL_EL2
	MRS	MIDR_EL1, R1
	VPIDR_EL2
	MRS	MPIDR_EL1, R1
	VMPIDR_EL2
	MOVD	ZR, R1
	CNTVOFF_EL2
	HSTR_EL2
	MDCR_EL2
	VTTBR_EL2
	MRS	ID_AA64MMFR0_EL1, R2
	UBFX	$56, R2, $4, R2         // fine-grained traps
	CBZ	R2, nofgt
	HFGRTR_EL2
	HFGWTR_EL2
	HFGITR_EL2
	HDFGRTR_EL2
	HDFGWTR_EL2
nofgt:
	MRS	ID_AA64MMFR1_EL1, R2
	UBFX	$40, R2, $4, R2
	CBZ	R2, nohcrx
	HCRX_EL2
nohcrx:
	MRS	ID_AA64PFR0_EL1, R2
	UBFX	$24, R2, $4, R2         // the GIC has system registers
	CBZ	R2, nosre
	MOVD	$0xf, R1
	ICC_SRE_EL2
nosre:
	MOVD	$0x3c5, R1              // EL1h, everything masked
	SPSR_EL2
	MOVD	R30, R1
	ELR_EL2
	ISB	$15
	ERET_

// turnOn switches the MMU on with the table at R1, address space 1, and goes to R30.
// The alignment keeps it within the one block of the identity map. Clobbers R1 to R4.
TEXT ·turnOn(SB),NOSPLIT|NOFRAME,$0
	PCALIGN	$512
	MOVD	$0xff04, R2             // 0: device-nGnRE, 1: normal write-back
	MSR	R2, MAIR_EL1
	MOVD	$1, R2
	ORR	R2<<48, R1
	MSR	R1, TTBR0_EL1

	// TCR_EL1: 48 bits of addresses below TTBR0, tables in write-back memory, 4 KiB
	// pages, no TTBR1, top byte ignored, as many physical and ASID bits as there are.
	MOVD	$0x2000903510, R2
	MRS	ID_AA64MMFR0_EL1, R3
	AND	$15, R3, R4
	CMP	$5, R4
	BLS	size
	MOVD	$5, R4                  // 48 bits: as many as the descriptors have
size:
	ORR	R4<<32, R2
	UBFX	$4, R3, $4, R4
	CMP	$2, R4
	BNE	asid8
	ORR	$(1<<36), R2
asid8:
	MSR	R2, TCR_EL1
	MOVD	$(3<<20), R2            // floating point does not trap; SVE and SME do
	MSR	R2, CPACR_EL1
	ISB	$15
	TLBI	VMALLE1
	DSB	$7
	ISB	$15
	WORD	$0xd508751f             // IC IALLU
	DSB	$7
	ISB	$15
	MOVD	$SCTLR_ON, R2
	MRS	ID_AA64MMFR1_EL1, R3
	UBFX	$20, R3, $4, R3
	CBZ	R3, nopan
	BIC	$SCTLR_SPAN, R2         // exceptions set PAN
nopan:
	MSR	R2, SCTLR_EL1
	ISB	$15
	JMP	(R30)

// cpuSetup sets what is the same on all CPUs and stays. Clobbers R1, R2.
TEXT ·cpuSetup(SB),NOSPLIT|NOFRAME,$0
	MOVD	$·vectors(SB), R1
	MSR	R1, VBAR_EL1
	MOVD	$2, R1                  // user code reads CNTVCT_EL0 and CNTFRQ_EL0
	MSR	R1, CNTKCTL_EL1
	MSR	ZR, TPIDRRO_EL0
	MSR	ZR, MDSCR_EL1
	MSR	ZR, OSLAR_EL1           // single steps need the OS lock open
	MRS	ID_AA64DFR0_EL1, R1
	UBFX	$8, R1, $4, R1          // performance monitors: 0 none, 15 none of Arm's
	ADD	$1, R1
	AND	$15, R1
	CMP	$1, R1
	BLS	nopmu
	MSR	ZR, PMUSERENR_EL0
nopmu:
	MRS	ID_AA64PFR0_EL1, R1
	UBFX	$44, R1, $4, R1
	CBZ	R1, noamu
	MOVD	ZR, R1
	AMUSERENR
noamu:
	MRS	ID_AA64MMFR1_EL1, R1
	UBFX	$20, R1, $4, R1
	CBZ	R1, nopan
	WORD	$0xd500419f             // MSR PAN, #1
nopan:
	ISB	$15
	RET

// high is entry's other half, at virtual addresses.
TEXT ·high(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	// Static memory without its tail, which may not even exist: see mm.go.
	MOVD	$runtime·bss(SB), R1
	MOVD	$·threads(SB), R2
	MOVD	$(const_maxThreads*Thread__size+4095), R3
	ADD	R3, R2
	AND	$~4095, R2
zero:
	STP.P	(ZR, ZR), 16(R1)
	CMP	R2, R1
	BLO	zero
	BL	·cpuSetup(SB)
	MOVD	$·loader(SB), R1
	MOVD	R20, loaderInfo_tree(R1)
	MOVD	R21, loaderInfo_image(R1)
	MOVD	R23, loaderInfo_ticks(R1)
	MOVD	$·cpus(SB), R0
	MSR	R0, TPIDR_EL1
	MOVD	$·bootStack(SB), R1
	ADD	$15, R1
	AND	$~15, R1
	ADD	$const_bootStackSize, R1, R2
	MOVD	$·bootG(SB), g
	MOVD	R2, archCPU_stack(R0)
	MOVD	g, archCPU_g(R0)
	MOVD	R1, 0(g)                // g.stack.lo and .hi
	MOVD	R2, 8(g)
	ADD	$1024, R1
	MOVD	R1, 16(g)               // g.stackguard0 and 1
	MOVD	R1, 24(g)
	MOVD	R2, RSP
	NO_FRAME
	MOVD	ZR, R30
	SUB	$16, RSP
	BL	·start(SB)
	B	·resume(SB)

TEXT ·secondaryHigh(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVD	$·kernelTTBR(SB), R1
	MOVD	(R1), R1
	MSR	R1, TTBR0_EL1
	ISB	$15
	TLBI	VMALLE1
	DSB	$7
	ISB	$15
	BL	·cpuSetup(SB)
	MOVD	$·cpus(SB), R0
	MOVD	$CPU__size, R1
	MUL	R20, R1
	ADD	R1, R0
	MSR	R0, TPIDR_EL1
	MOVD	archCPU_stack(R0), R1
	MOVD	R1, RSP
	MOVD	archCPU_g(R0), g
	NO_FRAME
	MOVD	ZR, R30
	SUB	$16, RSP
	MOVD	R0, 8(RSP)
	BL	·startCPU(SB)
	B	·resume(SB)

// func imageBounds() (text, etext, rodata, erodata, end uintptr)
TEXT ·imageBounds(SB),NOSPLIT,$0-40
	MOVD	$runtime·text(SB), R0
	MOVD	R0, text+0(FP)
	MOVD	$runtime·etext(SB), R0
	MOVD	R0, etext+8(FP)
	MOVD	$runtime·rodata(SB), R0
	MOVD	R0, rodata+16(FP)
	MOVD	$runtime·erodata(SB), R0
	MOVD	R0, erodata+24(FP)
	MOVD	$runtime·end(SB), R0
	MOVD	R0, end+32(FP)
	RET
