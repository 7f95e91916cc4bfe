package nk

import (
	"runtime"
	"sync/atomic"

	"kevlar/machine"
	"kevlar/machine/mem"
)

// Assembly.
func enterUser(r *userRegs, root uint64) (cause uint64)
func xsave(r *userRegs)
func enableXSAVE(mask uint32)

// What ended user mode; below, the vector. entry_amd64.h has these, too.
const (
	causeSyscall = 256
	causeKick    = 257 // or not the CPU that it may run on
	causeFetch   = 258
	causeNew     = 259
	causeAddress = 260
)

// Private calls of this architecture.
const (
	callFetchFP = callArch + iota
	callDropFP
)

// userFlags are the flags that programs may change: SDM volume 1, section 3.4.3.
const userFlags = 0x250dd5

// archGodebug tells the Go runtime not to use AVX, nor FMA, which is encoded like it: the
// upper halves of the YMM registers are a program's. It finds both on: an emulator that
// translates code would translate all that had run before they came on again.
const archGodebug = ",cpu.avx=off,cpu.avx2=off,cpu.fma=off"

// Enter implements machine.Machine.
func (p *Programs) Enter(r *machine.Regs, s *machine.Space, t *machine.Trap) {
	for {
		cause := enterUser(regsOf(r), s.Root.Addr())
		if cause == causeSyscall {
			t.Kind = machine.Syscall
			return
		}
		if p.left(r, t, cause) {
			return
		}
	}
}

// left describes in t why r has left user mode; false if there is nothing to tell, and
// the program is to go on.
func (p *Programs) left(r *machine.Regs, t *machine.Trap, cause uint64) bool {
	u := regsOf(r)
	switch cause {
	case causeNew:
		introduce(r)
		return false
	case causeFetch:
		SaveFP(r)
		return false
	case causeAddress:
		*t = machine.Trap{Kind: machine.Exception, Exception: machine.Protection, Code: vecProtection << 32}
	case causeKick:
		atomic.StoreUint32(&u.kick, 0)
		p.interrupted(t)
	case vecPageFault:
		*t = machine.Trap{Kind: machine.Fault, Addr: u.cr2, Present: u.err&pfPresent != 0, Code: vecPageFault<<32 | u.err}
		switch {
		case u.err&pfFetch != 0:
			t.Access = machine.Execute
		case u.err&pfWrite != 0:
			t.Access = machine.Write
		}
	default:
		if cause < 32 {
			*t = exceptionTrap(u, cause)
			break
		}
		u.userTicks++
		atomic.StoreUint32(&u.kick, 0)
		p.interrupted(t)
	}
	return true
}

// introduce prepares registers that have not run yet, or were changed by others as a
// whole: enterUser takes none whose aux is not their own address.
func introduce(r *machine.Regs) {
	// A CPU may remember r as the owner of its FPU: r must not be freed before that CPU
	// forgets it.
	runtime.SetFinalizer(r, nil)
	runtime.SetFinalizer(r, dropFP)
	u := regsOf(r)
	u.aux = uint64(addressOfUser(u))
}

func exceptionTrap(u *userRegs, vec uint64) machine.Trap {
	t := machine.Trap{Kind: machine.Exception, Exception: machine.UnknownException, Addr: u.ip, Code: vec<<32 | u.err}
	switch vec {
	case vecDivide:
		t.Exception = machine.DivideByZero
	case vecDebug:
		t.Exception = machine.SingleStep
	case vecBreakpoint:
		t.Exception = machine.Breakpoint
	case vecOverflow, vecBound:
		t.Exception = machine.Overflow
	case vecInvalidOp:
		t.Exception = machine.IllegalOp
	case vecX87, vecSIMD:
		t.Exception = machine.FloatingPoint
	case vecAlignment:
		t.Exception = machine.Misaligned
	case vecProtection, vecStack, 10, 11:
		t.Exception, t.Addr = machine.Protection, 0
	}
	return t
}

// Floating point. XMM and MXCSR are saved at every exit from user mode and loaded at
// every entry, for Go uses them. x87 and the upper halves of YMM, which Go never
// touches, stay in the FPU: r.FPCPU is 1 + the CPU that has them, whose fpOwner
// names r. enterUser saves the owner before it loads another; SaveFP fetches.

// SaveFP brings what a CPU still holds of r's floating-point state into r.
func SaveFP(r *machine.Regs) {
	if r.FPCPU != 0 {
		call(callFetchFP, uint64(addressOfRegs(r)), 0, 0)
	}
}

func fetchFP(p uintptr) {
	u := regsAt(p)
	id := u.fpcpu - 1
	if id >= uint32(ncpu) || atomic.LoadUintptr(&cpus[id%maxCPUs].fpOwner) != p {
		u.fpcpu = 0 // a copy of somebody's registers: its image is all there is
		return
	}
	o := &cpus[id%maxCPUs]
	atomic.StoreUint32(&o.fpWanted, 1)
	if o == thisCPU() {
		o.giveFP()
		return
	}
	await(o, request(o))
}

// giveFP saves the owner's state into its image and leaves the FPU without owner.
func (c *CPU) giveFP() {
	atomic.StoreUint32(&c.fpWanted, 0)
	if c.fpOwner == 0 {
		return
	}
	if u := regsAt(c.fpOwner); u.fpcpu == c.fpID {
		xsave(u)
		u.fpcpu = 0
	}
	atomic.StoreUintptr(&c.fpOwner, 0)
}

// dropFP is the finalizer of registers that have run.
func dropFP(r *machine.Regs) { call(callDropFP, uint64(addressOfRegs(r)), 0, 0) }

func dropOwner(p uintptr) {
	for i := 0; i < ncpu; i++ {
		o := &cpus[i]
		if atomic.CompareAndSwapUintptr(&o.fpOwner, p, 0) && o != thisCPU() {
			await(o, request(o)) // it may just be saving to p
		}
	}
}

// quickArch serves this architecture's private calls.
func (c *CPU) quickArch(t *Thread, nr uint64) bool {
	switch nr {
	case callFetchFP:
		fetchFP(uintptr(t.arg(0)))
	case callDropFP:
		dropOwner(uintptr(t.arg(0)))
	default:
		return false
	}
	t.setResult(0)
	return true
}

// flushSpace: a CPU that has s loaded is told to load it again before it enters user
// mode; one in user mode is interrupted. See enterUser for the other side.
func flushSpace(s *machine.Space, from, to uint64) {
	root, running := s.Root.Addr(), false
	for i := 0; i < ncpu; i++ {
		o := &cpus[i]
		if atomic.LoadUint64(&o.cr3) != root {
			continue
		}
		atomic.StoreUint32(&o.stale, 1)
		if atomic.LoadUintptr(&o.uregs) != 0 {
			running = true
		}
	}
	if running {
		call(callFlush, root, from, to)
	}
}

// flushUser makes the other CPUs that have root loaded flush it, or leave it.
func flushUser(root, from, to uint64) {
	c := thisCPU()
	if c.cr3 == root {
		atomic.AddUint32(&c.requests, 1)
		serveRequests()
	}
	for i := 0; i < ncpu; i++ {
		if o := &cpus[i]; o != c && atomic.LoadUint64(&o.cr3) == root {
			await(o, request(o))
		}
	}
}

// forgetSpace makes every CPU that still has s loaded leave it.
func forgetSpace(s *machine.Space) { call(callFlush, s.Root.Addr(), 0, 0) }

// SyncCode makes what was written to f visible to instruction fetches: x86 sees to
// that itself.
func SyncCode(f mem.Frame) {}
