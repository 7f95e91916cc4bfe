package abi

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine"
)

// RedZone is what lies below the stack pointer that leaf functions use (psABI 3.2.2).
const RedZone = 128

// SigReturnCode is the code that a handler returns to where its action brings none:
// on this architecture the C library always does.
var SigReturnCode []byte

// IllegalCode is si_code of the SIGILL of an undefined instruction.
const IllegalCode = ILL_ILLOPN

// BreakpointCode is si_code of the SIGTRAP of a breakpoint instruction.
const BreakpointCode = SI_KERNEL

// MinSigStack is MINSIGSTKSZ.
const MinSigStack = 2048

// Layout of struct rt_sigframe: a return address, struct ucontext, siginfo_t.
// The XSAVE image lies above it, at a 64-byte boundary.
const (
	frameUC     = 8
	ucFlags     = frameUC
	ucStack     = frameUC + 16
	ucContext   = frameUC + 40 // struct sigcontext
	scSegments  = ucContext + 144
	scErr       = ucContext + 152
	scTrap      = ucContext + 160
	scOldmask   = ucContext + 168
	scCR2       = ucContext + 176
	scFPState   = ucContext + 184
	ucSigmask   = ucContext + 256
	frameInfo   = ucSigmask + 8
	frameSize   = frameInfo + SigInfoSize
	xsaveSize   = 832 // x87 and SSE, header, AVX
	fpSoftware  = 464 // struct _fpx_sw_bytes in the FXSAVE image
	fpMagic1    = 0x46505853
	fpMagic2    = 0x46505845
	fpExtended  = xsaveSize + 4 // with the second magic
	xfeatures   = 7
	userCS      = 0x33
	userSS      = 0x2b
	userFlags   = 0x50dd5 // what a program may set in EFLAGS: AC OF DF TF SF ZF AF PF CF RF
	clearFlags  = 0x10500 // RF, DF, TF: not for handlers
	mxcsrMask   = 0xffff
	ucFlagsBits = 1 | 2 | 4 // UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS
)

// FrameScratch is the size of the scratch buffer for signal frames.
const FrameScratch = frameSize + fpExtended

// generalRegs are the general registers in the order of struct sigcontext, which begins with
// them.
type generalRegs [18]uint64

func getGeneral(r *machine.Regs) generalRegs {
	return generalRegs{r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15,
		r.DI, r.SI, r.BP, r.BX, r.DX, r.AX, r.CX, r.SP, r.IP, r.Flags}
}

func (g *generalRegs) set(r *machine.Regs) {
	r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15 = g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7]
	r.DI, r.SI, r.BP, r.BX, r.DX, r.AX, r.CX, r.SP, r.IP, r.Flags = g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15], g[16], g[17]
}

// PushSignalFrame writes f to m and sets r up to run the handler. The registers are
// unchanged after an error. r's floating-point state must be in memory
// (Machine.SaveFP). scratch has FrameScratch bytes.
func PushSignalFrame(r *machine.Regs, m user.Memory, f *SigFrame, scratch []byte) error {
	if f.Action.Flags&SA_RESTORER == 0 {
		return unix.EFAULT // the C library brings the return code on this architecture
	}
	fp := (f.SP - fpExtended) &^ 63
	sp := (fp-frameSize)&^15 - 8 // as if the handler had been called: 16-byte aligned before the return address

	b := scratch[:frameSize]
	clear(b)
	le.PutUint64(b[0:], f.Action.Restorer)
	le.PutUint64(b[ucFlags:], ucFlagsBits)
	f.Stack.Encode(b[ucStack:])
	for i, v := range getGeneral(r) {
		le.PutUint64(b[ucContext+8*i:], v)
	}
	le.PutUint16(b[scSegments:], userCS)
	le.PutUint16(b[scSegments+6:], userSS)
	le.PutUint64(b[scErr:], f.Code&0xffffffff)
	le.PutUint64(b[scTrap:], f.Code>>32)
	le.PutUint64(b[scOldmask:], uint64(f.Mask))
	le.PutUint64(b[scCR2:], f.Address)
	le.PutUint64(b[scFPState:], fp)
	le.PutUint64(b[ucSigmask:], uint64(f.Mask))
	copy(b[frameInfo:], f.Info[:])
	if _, err := m.CopyOut(user.Addr(sp), b); err != nil {
		return err
	}

	x := scratch[frameSize : frameSize+fpExtended]
	copy(x, r.FX[:])
	sw := x[fpSoftware:512]
	clear(sw)
	le.PutUint32(sw[0:], fpMagic1)
	le.PutUint32(sw[4:], fpExtended)
	le.PutUint64(sw[8:], xfeatures)
	le.PutUint32(sw[16:], xsaveSize)
	le.PutUint32(x[xsaveSize:], fpMagic2)
	if _, err := m.CopyOut(user.Addr(fp), x); err != nil {
		return err
	}

	r.DI = uint64(f.Info.Signo())
	r.SI = sp + frameInfo
	r.DX = sp + frameUC
	r.AX = 0
	r.SP = sp
	r.IP = f.Action.Handler
	r.Flags &^= clearFlags
	r.ResetFP()
	return nil
}

// PopSignalFrame undoes PushSignalFrame for rt_sigreturn: it restores r from the frame
// that the stack pointer is at, and returns the signal mask and alternate stack to
// restore. An error means that there is no sound frame; r may have changed then.
func PopSignalFrame(r *machine.Regs, m user.Memory, scratch []byte) (mask SigSet, stack SigStack, err error) {
	b := scratch[:frameSize]
	sp := r.SP - 8 // the handler's return popped the first word
	if _, err := m.CopyIn(b, user.Addr(sp)); err != nil {
		return 0, stack, err
	}
	flags := r.Flags
	var g generalRegs
	for i := range g {
		g[i] = le.Uint64(b[ucContext+8*i:])
	}
	g.set(r)
	r.Flags = flags&^userFlags | r.Flags&userFlags
	stack.Decode(b[ucStack:])
	mask = SigSet(le.Uint64(b[ucSigmask:]))

	fp := le.Uint64(b[scFPState:])
	if fp == 0 {
		r.ResetFP()
		return mask, stack, nil
	}
	// A program may have made the image itself: with AVX only if both magics say so,
	// and nothing that would make the restoring instruction fault.
	x := scratch[frameSize : frameSize+fpExtended]
	if _, err := m.CopyIn(x[:512], user.Addr(fp)); err != nil {
		return 0, stack, err
	}
	sw := x[fpSoftware:]
	features := uint64(3)
	clear(x[512:])
	if le.Uint32(sw) == fpMagic1 && le.Uint32(sw[16:]) == xsaveSize && le.Uint32(sw[4:]) == fpExtended {
		if _, err := m.CopyIn(x[512:], user.Addr(fp+512)); err != nil {
			return 0, stack, err
		}
		if le.Uint32(x[xsaveSize:]) == fpMagic2 {
			features = le.Uint64(x[512:]) & xfeatures
		} else {
			clear(x[512:])
		}
	}
	clear(x[512:576])
	le.PutUint64(x[512:], features)
	le.PutUint32(x[24:], le.Uint32(x[24:])&mxcsrMask)
	clear(x[fpSoftware:512])
	copy(r.FX[:], x)
	r.FPCPU = 0
	return mask, stack, nil
}
