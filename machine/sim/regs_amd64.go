package sim

import "kevlar/machine"

const (
	elfMachine  = 62 // EM_X86_64
	syscallSize = 2  // bytes of the SYSCALL instruction
)

// setSyscall loads the registers for a system call (psABI, appendix A.2.1).
func setSyscall(r *machine.Regs, nr uint64, a *[6]uint64) {
	r.AX, r.DI, r.SI, r.DX, r.R10, r.R8, r.R9 = nr, a[0], a[1], a[2], a[3], a[4], a[5]
}

// funcArgs are the first three arguments of a function (psABI section 3.2.3).
func funcArgs(r *machine.Regs) [3]uint64 { return [3]uint64{r.DI, r.SI, r.DX} }

// popReturn does what RET does to the stack pointer.
func popReturn(r *machine.Regs) { r.SP += 8 }

// cloneArgs orders the arguments of clone(2).
func cloneArgs(flags, stack, parentTID, childTID, tls uint64) [6]uint64 {
	return [6]uint64{flags, stack, parentTID, childTID, tls}
}
