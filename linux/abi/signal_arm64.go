package abi

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine"
)

// RedZone is what lies below the stack pointer that leaf functions use: none (AAPCS64
// 6.4.5).
const RedZone = 0

// SigReturnCode is the code that a handler returns to where its action brings none:
// mov x8, #139 (rt_sigreturn); svc #0.
var SigReturnCode = []byte{0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4}

// IllegalCode is si_code of the SIGILL of an undefined instruction.
const IllegalCode = ILL_ILLOPC

// BreakpointCode is si_code of the SIGTRAP of a breakpoint instruction.
const BreakpointCode = TRAP_BRKPT

// MinSigStack is MINSIGSTKSZ.
const MinSigStack = 5120

// Layout of struct rt_sigframe: siginfo_t, then struct ucontext, whose machine
// context ends in 4096 bytes for records that say what they are.
const (
	frameUC     = SigInfoSize
	ucStack     = frameUC + 16
	ucSigmask   = frameUC + 40
	ucContext   = frameUC + 176 // struct sigcontext: fault address, X0-X30, SP, PC, PSTATE
	scRegs      = ucContext + 8
	scSP        = scRegs + 31*8
	scPC        = scSP + 8
	scPSTATE    = scPC + 8
	scRecords   = ucContext + 288
	recordsSize = 4096
	frameSize   = scRecords + recordsSize

	fpsimdMagic = 0x46508001
	fpsimdSize  = 528
	esrMagic    = 0x45535201
	esrSize     = 16

	frameUsed = scRecords + fpsimdSize + esrSize + 16 // what is written of the frame, with the terminator

	nzcv       = 0xf0000000
	pstateMode = 0x3df // mode, DAIF: zero for user code
)

// FrameScratch is the size of the scratch buffer for signal frames.
const FrameScratch = frameSize

// PushSignalFrame writes f to m and sets r up to run the handler. The registers are
// unchanged after an error. scratch has FrameScratch bytes.
func PushSignalFrame(r *machine.Regs, m user.Memory, f *SigFrame, scratch []byte) error {
	ret := f.Return
	if f.Action.Flags&SA_RESTORER != 0 {
		ret = f.Action.Restorer
	}
	record := f.SP&^15 - 16 // a frame record, so that a debugger can unwind
	sp := record - frameSize

	var link [16]byte
	le.PutUint64(link[0:], r.X[29])
	le.PutUint64(link[8:], r.X[30])
	if _, err := m.CopyOut(user.Addr(record), link[:]); err != nil {
		return err
	}
	b := scratch[:frameUsed]
	clear(b)
	copy(b, f.Info[:])
	f.Stack.Encode(b[ucStack:])
	le.PutUint64(b[ucSigmask:], uint64(f.Mask))
	le.PutUint64(b[ucContext:], f.Address)
	for i, x := range r.X {
		le.PutUint64(b[scRegs+8*i:], x)
	}
	le.PutUint64(b[scSP:], r.SP)
	le.PutUint64(b[scPC:], r.PCReg)
	le.PutUint64(b[scPSTATE:], r.PSTATE)
	p := b[scRecords:]
	le.PutUint32(p[0:], fpsimdMagic)
	le.PutUint32(p[4:], fpsimdSize)
	le.PutUint32(p[8:], uint32(r.FPSR))
	le.PutUint32(p[12:], uint32(r.FPCR))
	for i, v := range r.V {
		le.PutUint64(p[16+8*i:], v)
	}
	p = p[fpsimdSize:]
	if f.Code != 0 {
		le.PutUint32(p[0:], esrMagic)
		le.PutUint32(p[4:], esrSize)
		le.PutUint64(p[8:], f.Code)
	}
	if _, err := m.CopyOut(user.Addr(sp), b); err != nil {
		return err
	}

	r.X[0] = uint64(f.Info.Signo())
	if f.Action.Flags&SA_SIGINFO != 0 {
		r.X[1] = sp
		r.X[2] = sp + frameUC
	}
	r.X[29] = record
	r.X[30] = ret
	r.SP = sp
	r.PCReg = f.Action.Handler
	r.PSTATE &= nzcv
	return nil
}

// PopSignalFrame undoes PushSignalFrame for rt_sigreturn: it restores r from the frame
// that the stack pointer is at, and returns the signal mask and alternate stack to
// restore. An error means that there is no sound frame; r may have changed then.
func PopSignalFrame(r *machine.Regs, m user.Memory, scratch []byte) (mask SigSet, stack SigStack, err error) {
	if r.SP&15 != 0 {
		return 0, stack, unix.EFAULT
	}
	b := scratch[:frameSize]
	if _, err := m.CopyIn(b[:frameUsed], user.Addr(r.SP)); err != nil {
		return 0, stack, err
	}
	pstate := le.Uint64(b[scPSTATE:])
	if pstate&pstateMode != 0 {
		return 0, stack, unix.EINVAL
	}
	fpsimd, err := findFPSIMD(b[scRecords:frameUsed])
	if err != nil {
		// A program may have put records of its own into the frame: there is room for more.
		if _, err := m.CopyIn(b[frameUsed:], user.Addr(r.SP+frameUsed)); err != nil {
			return 0, stack, err
		}
		if fpsimd, err = findFPSIMD(b[scRecords:]); err != nil {
			return 0, stack, err
		}
	}
	stack.Decode(b[ucStack:])
	mask = SigSet(le.Uint64(b[ucSigmask:]))
	for i := range r.X {
		r.X[i] = le.Uint64(b[scRegs+8*i:])
	}
	r.SP = le.Uint64(b[scSP:])
	r.PCReg = le.Uint64(b[scPC:])
	r.PSTATE = pstate & nzcv
	r.FPSR = uint64(le.Uint32(fpsimd[8:]))
	r.FPCR = uint64(le.Uint32(fpsimd[12:]))
	for i := range r.V {
		r.V[i] = le.Uint64(fpsimd[16+8*i:])
	}
	return mask, stack, nil
}

// findFPSIMD looks for the record of the vector registers, which must be there.
func findFPSIMD(p []byte) (found []byte, err error) {
	for len(p) >= 8 {
		magic, size := le.Uint32(p), le.Uint32(p[4:])
		switch {
		case magic == 0 && size == 0:
			if found == nil {
				return nil, unix.EINVAL
			}
			return found, nil
		case size < 8 || size%16 != 0 || int(size) > len(p):
			return nil, unix.EINVAL
		case magic == fpsimdMagic:
			if size != fpsimdSize || found != nil {
				return nil, unix.EINVAL
			}
			found = p[:size]
		case magic == esrMagic:
		default:
			return nil, unix.EINVAL
		}
		p = p[size:]
	}
	return nil, unix.EINVAL
}
