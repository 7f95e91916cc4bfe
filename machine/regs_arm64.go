package machine

import (
	"fmt"
	"strconv"
	"strings"
)

// Regs are the registers of a user program on ARM64, and what Enter keeps with
// them. The assembly in machine/metal knows the offsets.
type Regs struct {
	X             [31]uint64
	SP, PCReg     uint64 // stored and loaded as pairs
	PSTATE, TPIDR uint64
	_             [2]uint64 // for metal: ESR_EL1, FAR_EL1
	FPSR, FPCR    uint64
	// UserTicks and KernelTicks are what Machine.Ticks tells.
	UserTicks, KernelTicks uint64

	_    [4]uint64
	V    [64]uint64 // V0..V31, low half first
	Kick uint32     // set by Machine.Kick: Enter returns at once
	// OnlyCPU is 1 + the CPU that the program may run on, 0 for any: on another one Enter runs nothing,
	// and returns with an Interrupt. To be changed only after Machine.SaveFP. It is loaded with Kick.
	OnlyCPU uint32
}

// NewRegs returns the registers of a program that has not run yet: all zero.
func NewRegs() *Regs { return new(Regs) }

// ResetFP gives the floating-point unit its initial state.
func (r *Regs) ResetFP() { r.V, r.FPSR, r.FPCR = [64]uint64{}, 0, 0 }

// Syscall returns the number of the system call that r stopped at, and puts its arguments in a.
func (r *Regs) Syscall(a *[6]uint64) (nr uint64) {
	a[0], a[1], a[2], a[3], a[4], a[5] = r.X[0], r.X[1], r.X[2], r.X[3], r.X[4], r.X[5]
	return r.X[8]
}

// SetReturn sets the result of a system call: a negative errno for an error.
func (r *Regs) SetReturn(v uint64)   { r.X[0] = v }
func (r *Regs) Return() uint64       { return r.X[0] }
func (r *Regs) PC() uint64           { return r.PCReg }
func (r *Regs) SetPC(v uint64)       { r.PCReg = v }
func (r *Regs) StackPtr() uint64     { return r.SP }
func (r *Regs) SetStackPtr(v uint64) { r.SP = v }
func (r *Regs) TLS() uint64          { return r.TPIDR }
func (r *Regs) SetTLS(v uint64)      { r.TPIDR = v }

// String lists the general registers, four to a line, for people.
func (r *Regs) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, " pc %016x   sp %016x  pstate %08x  tpidr %016x\n", r.PCReg, r.SP, r.PSTATE, r.TPIDR)
	for i, x := range r.X {
		end := "  "
		if i%4 == 3 || i == len(r.X)-1 {
			end = "\n"
		}
		fmt.Fprintf(&b, "%3s %016x%s", "x"+strconv.Itoa(i), x, end)
	}
	return b.String()
}

// RestartSyscall rewinds r to the system call instruction, with its number and
// first argument as they were.
func (r *Regs) RestartSyscall(nr, arg0 uint64) {
	r.PCReg -= 4
	r.X[8] = nr
	r.X[0] = arg0
}

// Start gives r the state in which a program begins at entry with its stack at sp:
// everything else as NewRegs has it. The floating-point state must be in memory.
func (r *Regs) Start(entry, sp uint64) {
	r.X = [31]uint64{}
	r.SP, r.PCReg, r.PSTATE, r.TPIDR = sp, entry, 0, 0
	r.ResetFP()
}

// Clone returns a copy of r for a new task. The floating-point state must be in
// memory (Machine.SaveFP).
func (r *Regs) Clone() *Regs {
	return &Regs{
		X: r.X, SP: r.SP, PCReg: r.PCReg, PSTATE: r.PSTATE, TPIDR: r.TPIDR,
		FPSR: r.FPSR, FPCR: r.FPCR, V: r.V,
	}
}
