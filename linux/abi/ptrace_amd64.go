package abi

import (
	"bytes"

	"golang.org/x/sys/unix"

	"kevlar/machine"
)

// Requests of ptrace(2) that one architecture has and the other has not: with a number that
// no request has where it lacks one.
const (
	PtraceGetRegs   = 12
	PtraceSetRegs   = 13
	PtraceGetFPRegs = 14
	PtraceSetFPRegs = 15
	PtracePeekUser  = 3
	PtracePokeUser  = 6
)

// Sets of registers as PTRACE_GETREGSET names them, NT_ constants of the ELF notes.
const (
	RegsGeneral  = 1 // NT_PRSTATUS: struct user_regs_struct
	RegsFloat    = 2 // NT_PRFPREG: struct user_fpregs_struct, the FXSAVE image
	RegsExtended = 0x202
)

// RegsSize is the size of a set and of what of it can be read and written alone; 0 for one
// that the architecture does not have.
func RegsSize(set uint32) (size, unit int) {
	switch set {
	case RegsGeneral:
		return 27 * 8, 8
	case RegsFloat:
		return 512, 8
	case RegsExtended:
		return xsaveSize, 8
	}
	return 0, 0
}

// UserSize is the size of struct user, which PTRACE_PEEKUSER reads: the general registers and
// other things, of which the debug registers are known here.
const (
	UserSize  = 928
	userDebug = 848
)

// PokeUser reports whether a tracer may write v at a place in struct user that is no general
// register: only that a debug register watches nothing.
func PokeUser(at, v uint64) bool { return at >= userDebug && at < userDebug+8*8 && v == 0 }

const (
	flagTF = 0x100
	// tracerFlags are those that a tracer may change.
	tracerFlags = userFlags | 1<<14
)

// userRegs are where the registers are, in the order of struct user_regs_struct; nil for
// what is not in machine.Regs.
func userRegs(r *machine.Regs) [27]*uint64 {
	return [27]*uint64{
		&r.R15, &r.R14, &r.R13, &r.R12, &r.BP, &r.BX, &r.R11, &r.R10, &r.R9, &r.R8, &r.AX, &r.CX, &r.DX, &r.SI, &r.DI,
		nil, &r.IP, nil, &r.Flags, &r.SP, nil, &r.FS, &r.GS, nil, nil, nil, nil,
	}
}

// Where the other registers are.
const (
	origAX   = 15
	csReg    = 17
	flagsReg = 18
	ssReg    = 20
	fsBase   = 21
	gsBase   = 22
)

// EncodeRegs makes what a tracer reads of a program's registers. call is the number of the
// system call that it is in, or -1. r's floating-point state must be in memory.
func EncodeRegs(r *machine.Regs, set uint32, call int64) ([]byte, error) {
	switch set {
	case RegsGeneral:
	case RegsFloat:
		b := bytes.Clone(r.FX[:512])
		clear(b[fpSoftware:])
		return b, nil
	case RegsExtended:
		b := bytes.Clone(r.FX[:xsaveSize])
		clear(b[fpSoftware:512])
		le.PutUint64(b[fpSoftware:], xfeatures)
		return b, nil
	default:
		return nil, unix.EINVAL
	}
	b := make([]byte, 27*8)
	for i, p := range userRegs(r) {
		v := uint64(0)
		switch {
		case p != nil:
			v = *p
		case i == origAX:
			v = uint64(call)
		case i == csReg:
			v = userCS
		case i == ssReg:
			v = userSS
		}
		le.PutUint64(b[8*i:], v)
	}
	return b, nil
}

// DecodeRegs sets a program's registers to what a tracer wrote, as much as there is, and
// returns the number of the system call. EIO and EINVAL for a value that a register cannot
// have.
func DecodeRegs(r *machine.Regs, set uint32, call int64, b []byte) (int64, error) {
	switch set {
	case RegsGeneral:
	case RegsFloat:
		if len(b) != 512 || le.Uint32(b[24:])&^mxcsrMask != 0 {
			return call, unix.EINVAL
		}
		copy(r.FX[:fpSoftware], b)
		r.FX[512] |= 3 // x87 and SSE are in the image
		r.FPCPU = 0
		return call, nil
	case RegsExtended:
		if len(b) != xsaveSize {
			return call, unix.EFAULT
		}
		features := le.Uint64(b[512:])
		if features&^xfeatures != 0 || le.Uint32(b[24:])&^mxcsrMask != 0 {
			return call, unix.EINVAL
		}
		copy(r.FX[:], b)
		clear(r.FX[fpSoftware:512])
		clear(r.FX[520:576])
		r.FPCPU = 0
		return call, nil
	default:
		return call, unix.EINVAL
	}
	n := min(len(b)/8, 27)
	old, _ := EncodeRegs(r, set, call)
	regs := userRegs(r)
	for i, p := range regs[:n] {
		v := le.Uint64(b[8*i:])
		switch {
		case i == fsBase || i == gsBase:
			if v >= 1<<47-4096 {
				return call, unix.EIO
			}
			*p = v
		case i == flagsReg:
			*p = *p&^uint64(tracerFlags) | v&tracerFlags
		case p != nil:
			*p = v
		case i == origAX:
			call = int64(v)
		case v != le.Uint64(old[8*i:]):
			return call, unix.EIO // segments are what they are
		}
	}
	return call, nil
}

// BeginStep makes a program stop after its next instruction. It reports whether that is the
// tracer's doing, which EndStep undoes: the program may have asked for it itself.
func BeginStep(r *machine.Regs) bool {
	if r.Flags&flagTF != 0 {
		return false
	}
	r.Flags |= flagTF
	return true
}

// EndStep is the end of BeginStep.
func EndStep(r *machine.Regs) { r.Flags &^= flagTF }

// LateSteps says that a step which ends in the kernel is a trap before the next instruction.
const LateSteps = false

// EnterCall gives the registers what a tracer sees of a system call under way: no result yet.
func EnterCall(r *machine.Regs) { r.SetReturn(^uint64(unix.ENOSYS) + 1) }

// MarkCall gives the registers what tells a tracer at which end of a system call the program
// stops, and UnmarkCall takes it back: nothing here, where AX tells it.
func MarkCall(*machine.Regs, bool) uint64     { return 0 }
func UnmarkCall(r *machine.Regs, mark uint64) {}

// StepInfo is the information of the SIGTRAP that ends a step over a system call.
func StepInfo(pc uint64, pid int32, uid uint32) SigInfo {
	return FaultInfo(unix.SIGTRAP, TRAP_BRKPT, pc)
}
