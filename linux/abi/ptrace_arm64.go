package abi

import (
	"golang.org/x/sys/unix"

	"kevlar/machine"
)

// Requests of ptrace(2) that one architecture has and the other has not: with a number that
// no request has where it lacks one.
const (
	PtraceGetRegs   = -1 - iota
	PtraceSetRegs   = -1 - iota
	PtraceGetFPRegs = -1 - iota
	PtraceSetFPRegs = -1 - iota
	PtracePeekUser  = -1 - iota
	PtracePokeUser  = -1 - iota
)

// Sets of registers as PTRACE_GETREGSET names them, NT_ constants of the ELF notes.
const (
	RegsGeneral = 1     // NT_PRSTATUS: struct user_pt_regs
	RegsFloat   = 2     // NT_PRFPREG: struct user_fpsimd_state
	regsTLS     = 0x401 // NT_ARM_TLS
	regsCall    = 0x404 // NT_ARM_SYSTEM_CALL
)

// RegsSize is the size of a set and of what of it can be read and written alone; 0 for one
// that the architecture does not have.
func RegsSize(set uint32) (size, unit int) {
	switch set {
	case RegsGeneral:
		return 34 * 8, 8
	case RegsFloat:
		return 528, 4
	case regsTLS:
		return 8, 8
	case regsCall:
		return 4, 4
	}
	return 0, 0
}

// UserSize is the size of struct user, which this architecture does not have.
const UserSize = 0

// PokeUser reports whether a tracer may write v at a place in struct user.
func PokeUser(at, v uint64) bool { return false }

const stepBit = 1 << 21 // PSTATE.SS: Arm ARM D2.12

// EncodeRegs makes what a tracer reads of a program's registers. call is the number of the
// system call that it is in, or -1.
func EncodeRegs(r *machine.Regs, set uint32, call int64) (b []byte, err error) {
	switch set {
	case RegsGeneral:
		for _, v := range r.X {
			b = le.AppendUint64(b, v)
		}
		b = le.AppendUint64(b, r.SP)
		b = le.AppendUint64(b, r.PCReg)
		return le.AppendUint64(b, r.PSTATE&^stepBit), nil
	case RegsFloat:
		for _, v := range r.V {
			b = le.AppendUint64(b, v)
		}
		b = le.AppendUint32(b, uint32(r.FPSR))
		b = le.AppendUint32(b, uint32(r.FPCR))
		return append(b, make([]byte, 8)...), nil
	case regsTLS:
		return le.AppendUint64(nil, r.TPIDR), nil
	case regsCall:
		return le.AppendUint32(nil, uint32(call)), nil
	}
	return nil, unix.EINVAL
}

// DecodeRegs sets a program's registers to what a tracer wrote, as much as there is, and
// returns the number of the system call. EINVAL for a state that no program has.
func DecodeRegs(r *machine.Regs, set uint32, call int64, b []byte) (int64, error) {
	old, err := EncodeRegs(r, set, call)
	if err != nil {
		return call, err
	}
	b = append(b[:len(b):len(b)], old[min(len(b), len(old)):]...)
	switch set {
	case RegsGeneral:
		pstate := le.Uint64(b[33*8:])
		if pstate&pstateMode != 0 {
			return call, unix.EINVAL
		}
		for i := range r.X {
			r.X[i] = le.Uint64(b[8*i:])
		}
		r.SP, r.PCReg = le.Uint64(b[31*8:]), le.Uint64(b[32*8:])
		r.PSTATE = r.PSTATE&stepBit | pstate&nzcv
	case RegsFloat:
		for i := range r.V {
			r.V[i] = le.Uint64(b[8*i:])
		}
		r.FPSR, r.FPCR = uint64(le.Uint32(b[512:])), uint64(le.Uint32(b[516:]))
	case regsTLS:
		r.TPIDR = le.Uint64(b)
	case regsCall:
		call = int64(int32(le.Uint32(b)))
	}
	return call, nil
}

// BeginStep makes a program stop after its next instruction. It reports whether that is the
// tracer's doing, which EndStep undoes.
func BeginStep(r *machine.Regs) bool {
	r.PSTATE |= stepBit
	return true
}

// EndStep is the end of BeginStep.
func EndStep(r *machine.Regs) { r.PSTATE &^= stepBit }

// LateSteps says that a step which ends in the kernel is a trap before the next instruction:
// a system call's comes after the SIGTRAP that its exit is.
const LateSteps = true

// EnterCall gives the registers what a tracer sees of a system call under way: X0 is its first
// argument until the exit.
func EnterCall(*machine.Regs) {}

// MarkCall gives the registers what tells a tracer at which end of a system call the program
// stops: X7 is 0 at the entry and 1 at the exit. UnmarkCall takes it back.
func MarkCall(r *machine.Regs, exit bool) (mark uint64) {
	mark, r.X[7] = r.X[7], 0
	if exit {
		r.X[7] = 1
	}
	return mark
}

func UnmarkCall(r *machine.Regs, mark uint64) { r.X[7] = mark }

// StepInfo is the information of the SIGTRAP that ends a step over a system call.
func StepInfo(pc uint64, pid int32, uid uint32) SigInfo {
	return Kill(unix.SIGTRAP, SI_USER, pid, uid)
}
