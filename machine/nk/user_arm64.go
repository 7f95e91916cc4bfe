package nk

import (
	"sync/atomic"

	"kevlar/machine"
	"kevlar/machine/mem"
)

func enterUser(r *machine.Regs, s *machine.Space) (cause, esr, far uint64)

// What enterUser returns.
const (
	causeException = 0 // but for a system call; esr and far describe it
	causeInterrupt = 1
	causeNoSpace   = 2
	causeKick      = 3
	causeSyscall   = 4
)

// Enter implements machine.Machine.
func (p *Programs) Enter(r *machine.Regs, s *machine.Space, t *machine.Trap) {
	for {
		cause, esr, far := enterUser(r, s)
		if cause == causeSyscall {
			t.Kind = machine.Syscall
			return
		}
		if p.left(r, s, t, cause, esr, far) {
			return
		}
	}
}

// left describes in t why r has left user mode; false if there is nothing to tell, and
// the program is to go on.
func (p *Programs) left(r *machine.Regs, s *machine.Space, t *machine.Trap, cause, esr, far uint64) bool {
	switch cause {
	case causeNoSpace:
		call(callAssignASID, uint64(addressOfSpace(s)), 0, 0)
		return false
	case causeInterrupt:
		r.UserTicks++
		p.interrupted(t)
	case causeKick:
		p.interrupted(t)
	default:
		if emulate(r, s, esr) {
			return false
		}
		*t = trap(r, esr, far)
	}
	return true
}

// Exception classes of ESR_EL1: Arm ARM D19.2.40.
const (
	ecUnknown        = 0x00
	ecIllegalState   = 0x0e
	ecSVC            = 0x15
	ecSysReg         = 0x18
	ecAbortInsnEL0   = 0x20
	ecAbortInsnEL1   = 0x21
	ecBadPC          = 0x22
	ecAbortDataEL0   = 0x24
	ecAbortDataEL1   = 0x25
	ecBadSP          = 0x26
	ecFloatingPoint  = 0x2c
	ecBreakpointEL0  = 0x30
	ecBreakpointEL1  = 0x31
	ecSingleStepEL0  = 0x32
	ecSingleStepEL1  = 0x33
	ecWatchpointEL0  = 0x34
	ecWatchpointEL1  = 0x35
	ecBreakpointInsn = 0x3c
)

// fault is what a syndrome means.
type fault struct {
	kind    faultKind
	access  machine.Access
	present bool
}

type faultKind uint8

const (
	esrOther faultKind = iota
	esrFault
	esrAlignment
	esrBadPC
	esrBadSP
	esrBreakpoint
	esrStep
	esrUndefined
	esrFloat
)

// decode reads a syndrome.
func decode(esr uint64) (f fault) {
	switch esr >> 26 {
	case ecAbortInsnEL0, ecAbortInsnEL1:
		f.access = machine.Execute
		f.abort(esr)
	case ecAbortDataEL0, ecAbortDataEL1:
		// Cache maintenance counts as a write there, but only needs to read.
		const write, maintenance = 1 << 6, 1 << 8
		if esr&(write|maintenance) == write {
			f.access = machine.Write
		}
		f.abort(esr)
	case ecBadPC:
		f.kind = esrBadPC
	case ecBadSP:
		f.kind = esrBadSP
	case ecFloatingPoint:
		f.kind = esrFloat
	case ecSingleStepEL0, ecSingleStepEL1:
		f.kind = esrStep
	case ecBreakpointInsn, ecBreakpointEL0, ecBreakpointEL1, ecWatchpointEL0, ecWatchpointEL1:
		f.kind = esrBreakpoint
	case ecUnknown, ecSysReg, ecIllegalState:
		f.kind = esrUndefined
	}
	return f
}

// abort reads the fault status code: translation, access flag, permission; alignment.
func (f *fault) abort(esr uint64) {
	switch status := esr & 0x3f; {
	case status < 4: // address size
		f.kind = esrFault
	case status < 12: // translation, access flag
		f.kind = esrFault
	case status < 16:
		f.kind, f.present = esrFault, true
	case status == 0x21:
		f.kind = esrAlignment
	}
}

// trap is the trap that a program's exception is.
func trap(r *machine.Regs, esr, far uint64) machine.Trap {
	const address = 1<<56 - 1 // without the tag in the top byte, which hardware ignores
	f := decode(esr)
	t := machine.Trap{Kind: machine.Exception, Exception: machine.UnknownException, Addr: r.PCReg, Code: esr}
	switch f.kind {
	case esrFault:
		return machine.Trap{Kind: machine.Fault, Access: f.access, Present: f.present, Addr: far & address, Code: esr}
	case esrAlignment:
		t.Exception, t.Addr = machine.Misaligned, far&address
	case esrBadPC:
		t.Exception, t.Addr = machine.BadPC, far
	case esrBadSP:
		t.Exception, t.Addr = machine.Misaligned, r.SP
	case esrBreakpoint:
		t.Exception = machine.Breakpoint
	case esrStep:
		t.Exception = machine.SingleStep
	case esrUndefined:
		t.Exception = machine.IllegalOp
	case esrFloat:
		t.Exception = machine.FloatingPoint
	}
	return t
}

// emulate does for a program what HWCAP_CPUID promises: MRS of the ID registers
// (op0 3, op1 0, CRn 0, CRm 0 or 4 to 7) yields what programs may know. Such an MRS is
// undefined at EL0, or traps as a system register where the CPU has FEAT_IDST.
func emulate(r *machine.Regs, s *machine.Space, esr uint64) bool {
	if esr>>26 != ecUnknown && esr>>26 != ecSysReg || r.PCReg&3 != 0 {
		return false
	}
	e := s.Page(r.PCReg & (1<<48 - 1))
	if e == nil {
		return false
	}
	v := e.Load()
	if !v.Present() {
		return false
	}
	insn := v.Frame().Word(int(r.PCReg & (mem.PageSize - 1))).Load()
	if insn&0xffff_f000 != 0xd538_0000 {
		return false
	}
	crm, op2, rt := insn>>8&15, insn>>5&7, insn&31
	if crm != 0 && (crm < 4 || crm > 7) {
		return false
	}
	if rt != 31 {
		r.X[rt] = userIDRegister(crm, op2)
	}
	r.PCReg += 4
	return true
}

// SyncCode makes what was written to f visible to instruction fetches.
func SyncCode(f mem.Frame) {
	const idc, dic = 1 << 28, 1 << 29 // nothing to clean, nothing to invalidate
	ctr := cacheType()
	p := uintptr(directBase) + uintptr(f.Addr())
	if ctr&idc == 0 {
		cleanToUnification(p, p+mem.PageSize, 4<<(ctr>>16&15))
	}
	if ctr&dic == 0 {
		// All, since programs fetch through other addresses than the direct map's.
		invalidateInstructions()
	}
	fullBarrier()
}

const archGodebug = ""

// SaveFP: all of a program's state is in r already.
func SaveFP(*machine.Regs) {}

// flushSpace broadcasts: ARM64 needs no interrupts for it.
func flushSpace(s *machine.Space, from, to uint64) {
	fullBarrier() // the entries' stores, before the Tag: see assignASID
	tag := atomic.LoadUint64(&s.Tag)
	switch {
	case tag == 0 || from >= to: // it never ran
	case to-from > flushLimit:
		flushASID(tag << 48)
	default:
		flushPages(tag<<48|from>>12&(1<<44-1), (to-from+pageMask)>>12)
	}
}
