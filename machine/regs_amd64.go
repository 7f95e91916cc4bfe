package machine

import "fmt"

// Regs are the registers of a user program on x86-64, and what Enter keeps with
// them. The assembly in machine/metal knows the offsets. Make them with NewRegs:
// the XSAVE image wants a 64-byte alignment, which the size gives them (a test asserts it).
type Regs struct {
	AX, BX, CX, DX, SI, DI, BP, SP       uint64
	R8, R9, R10, R11, R12, R13, R14, R15 uint64
	IP, Flags, FS, GS                    uint64
	_                                    [4]uint64 // for metal: CR3, error code, CR2, vector
	// FX is an XSAVE image in the standard format: x87 and SSE (512 bytes), header
	// (64 bytes), AVX (256 bytes). While FPCPU is not zero, its x87 and AVX parts are
	// stale: the machine keeps them in a CPU (Machine.Enter fetches them back).
	FX    [832]byte
	FPCPU uint32
	Kick  uint32 // set by Machine.Kick: Enter returns at once
	// UserTicks and KernelTicks are what Machine.Ticks tells.
	UserTicks, KernelTicks uint64
	// OnlyCPU is 1 + the CPU that the program may run on, 0 for any: on another one Enter runs nothing,
	// and returns with an Interrupt. To be changed only after Machine.SaveFP.
	OnlyCPU uint32
	_       [25]uint32
}

// NewRegs returns the registers of a program that has not run yet: all zero, the
// floating-point state as the psABI has it at a process's start.
func NewRegs() *Regs {
	r := new(Regs) // 1152 bytes without pointers: a size class whose objects are 128-byte aligned
	r.Flags = 0x202
	r.ResetFP()
	return r
}

// ResetFP gives the floating-point unit its initial state (psABI section 3.2.1):
// x87 control word 0x37f, MXCSR 0x1f80.
func (r *Regs) ResetFP() {
	r.FX = [832]byte{0: 0x7f, 1: 0x03, 24: 0x80, 25: 0x1f}
	r.FPCPU = 0
}

// Syscall returns the number of the system call that r stopped at, and puts its arguments in a.
func (r *Regs) Syscall(a *[6]uint64) (nr uint64) {
	a[0], a[1], a[2], a[3], a[4], a[5] = r.DI, r.SI, r.DX, r.R10, r.R8, r.R9
	return r.AX
}

// SetReturn sets the result of a system call: a negative errno for an error.
func (r *Regs) SetReturn(v uint64)   { r.AX = v }
func (r *Regs) Return() uint64       { return r.AX }
func (r *Regs) PC() uint64           { return r.IP }
func (r *Regs) SetPC(v uint64)       { r.IP = v }
func (r *Regs) StackPtr() uint64     { return r.SP }
func (r *Regs) SetStackPtr(v uint64) { r.SP = v }
func (r *Regs) TLS() uint64          { return r.FS }
func (r *Regs) SetTLS(v uint64)      { r.FS = v }

// String lists the general registers, four to a line, for people.
func (r *Regs) String() string {
	return fmt.Sprintf("rip %016x  rsp %016x  flags %08x\n", r.IP, r.SP, r.Flags) +
		fmt.Sprintf("rax %016x  rbx %016x  rcx %016x  rdx %016x\n", r.AX, r.BX, r.CX, r.DX) +
		fmt.Sprintf("rsi %016x  rdi %016x  rbp %016x   r8 %016x\n", r.SI, r.DI, r.BP, r.R8) +
		fmt.Sprintf(" r9 %016x  r10 %016x  r11 %016x  r12 %016x\n", r.R9, r.R10, r.R11, r.R12) +
		fmt.Sprintf("r13 %016x  r14 %016x  r15 %016x\n", r.R13, r.R14, r.R15) +
		fmt.Sprintf(" fs %016x   gs %016x\n", r.FS, r.GS)
}

// RestartSyscall rewinds r to the system call instruction, with its number and
// first argument as they were.
func (r *Regs) RestartSyscall(nr, arg0 uint64) {
	r.IP -= 2
	r.AX = nr
}

// Start gives r the state in which a program begins at entry with its stack at sp:
// everything else as NewRegs has it. The floating-point state must be in memory.
func (r *Regs) Start(entry, sp uint64) {
	r.AX, r.BX, r.CX, r.DX, r.SI, r.DI, r.BP = 0, 0, 0, 0, 0, 0, 0
	r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15 = 0, 0, 0, 0, 0, 0, 0, 0
	r.IP, r.SP, r.Flags, r.FS, r.GS = entry, sp, 0x202, 0, 0
	r.ResetFP()
}

// Clone returns a copy of r for a new task. The floating-point state must be in
// memory (Machine.SaveFP).
func (r *Regs) Clone() *Regs {
	return &Regs{
		AX: r.AX, BX: r.BX, CX: r.CX, DX: r.DX, SI: r.SI, DI: r.DI, BP: r.BP, SP: r.SP,
		R8: r.R8, R9: r.R9, R10: r.R10, R11: r.R11, R12: r.R12, R13: r.R13, R14: r.R14, R15: r.R15,
		IP: r.IP, Flags: r.Flags, FS: r.FS, GS: r.GS,
		FX: r.FX,
	}
}
