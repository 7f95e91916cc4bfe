package sim

import "kevlar/machine"

const (
	elfMachine  = 183 // EM_AARCH64
	syscallSize = 4   // bytes of the SVC instruction
)

// setSyscall loads the registers for a system call.
func setSyscall(r *machine.Regs, nr uint64, a *[6]uint64) {
	r.X[8] = nr
	copy(r.X[:6], a[:])
}

// funcArgs are the first three arguments of a function (AAPCS64 section 6.8.2).
func funcArgs(r *machine.Regs) [3]uint64 { return [3]uint64{r.X[0], r.X[1], r.X[2]} }

// popReturn does what RET does to the stack pointer: nothing.
func popReturn(*machine.Regs) {}

// cloneArgs orders the arguments of clone(2).
func cloneArgs(flags, stack, parentTID, childTID, tls uint64) [6]uint64 {
	return [6]uint64{flags, stack, parentTID, tls, childTID}
}
