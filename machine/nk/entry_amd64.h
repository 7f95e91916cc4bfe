// Shared by the x86-64 assembly files. Offsets come from go_asm.h: gprs_*,
// Context_*, userRegs_*, archCPU_*.

#define SEL_KCODE 0x08
#define SEL_KDATA 0x10
#define SEL_UDATA 0x23	// SYSRET wants: user data, then user code
#define SEL_UCODE 0x2b

#define CAUSE_SYSCALL 256	// what ended user mode; below: the vector
#define CAUSE_KICK 257		// nothing yet: Kick was set, or this is not OnlyCPU
#define CAUSE_FETCH 258		// the x87 and AVX state is in another CPU
#define CAUSE_NEW 259		// introduce has not seen these registers
#define CAUSE_ADDRESS 260	// the instruction pointer is not canonical

// Save and load all but AX and SP, relative to AX.
#define SAVE_GPRS \
	MOVQ BX, gprs_bx(AX); MOVQ CX, gprs_cx(AX); MOVQ DX, gprs_dx(AX); \
	MOVQ SI, gprs_si(AX); MOVQ DI, gprs_di(AX); MOVQ BP, gprs_bp(AX); \
	MOVQ R8, gprs_r8(AX); MOVQ R9, gprs_r9(AX); MOVQ R10, gprs_r10(AX); \
	MOVQ R11, gprs_r11(AX); MOVQ R12, gprs_r12(AX); MOVQ R13, gprs_r13(AX); \
	MOVQ R14, gprs_r14(AX); MOVQ R15, gprs_r15(AX)

#define LOAD_GPRS \
	MOVQ gprs_bx(AX), BX; MOVQ gprs_cx(AX), CX; MOVQ gprs_dx(AX), DX; \
	MOVQ gprs_si(AX), SI; MOVQ gprs_di(AX), DI; MOVQ gprs_bp(AX), BP; \
	MOVQ gprs_r8(AX), R8; MOVQ gprs_r9(AX), R9; MOVQ gprs_r10(AX), R10; \
	MOVQ gprs_r11(AX), R11; MOVQ gprs_r12(AX), R12; MOVQ gprs_r13(AX), R13; \
	MOVQ gprs_r14(AX), R14; MOVQ gprs_r15(AX), R15

// XMM0-15 at off(AX).
#define SAVE_XMM(off) \
	MOVUPS X0, (off+0)(AX); MOVUPS X1, (off+16)(AX); \
	MOVUPS X2, (off+32)(AX); MOVUPS X3, (off+48)(AX); \
	MOVUPS X4, (off+64)(AX); MOVUPS X5, (off+80)(AX); \
	MOVUPS X6, (off+96)(AX); MOVUPS X7, (off+112)(AX); \
	MOVUPS X8, (off+128)(AX); MOVUPS X9, (off+144)(AX); \
	MOVUPS X10, (off+160)(AX); MOVUPS X11, (off+176)(AX); \
	MOVUPS X12, (off+192)(AX); MOVUPS X13, (off+208)(AX); \
	MOVUPS X14, (off+224)(AX); MOVUPS X15, (off+240)(AX)

#define LOAD_XMM(off) \
	MOVUPS (off+0)(AX), X0; MOVUPS (off+16)(AX), X1; \
	MOVUPS (off+32)(AX), X2; MOVUPS (off+48)(AX), X3; \
	MOVUPS (off+64)(AX), X4; MOVUPS (off+80)(AX), X5; \
	MOVUPS (off+96)(AX), X6; MOVUPS (off+112)(AX), X7; \
	MOVUPS (off+128)(AX), X8; MOVUPS (off+144)(AX), X9; \
	MOVUPS (off+160)(AX), X10; MOVUPS (off+176)(AX), X11; \
	MOVUPS (off+192)(AX), X12; MOVUPS (off+208)(AX), X13; \
	MOVUPS (off+224)(AX), X14; MOVUPS (off+240)(AX), X15

#define U_XMM (userRegs_fx+160)
#define U_MXCSR (userRegs_fx+24)

// Into the nanokernel's Go: its stack, its fake g in R14 and in thread-local
// storage. From here to resume, an exception is the nanokernel's own.
#define ENTER_NK \
	MOVL $1, archCPU_inside(GS); \
	MOVQ archCPU_nkStack(GS), SP; \
	MOVQ archCPU_nkFS(GS), BX; \
	WRFSBASEQ BX; \
	MOVQ archCPU_nkG(GS), R14; \
	XORPS X15, X15; \
	XORL BP, BP

// The frame pointer, out of sight of vet, which does not know these functions' ways.
#define NO_BP XORL BP, BP
#define LOAD_BP MOVQ archCPU_goBP(GS), BP
