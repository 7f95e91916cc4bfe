package abi

import (
	"encoding/binary"
	"math/bits"

	"golang.org/x/sys/unix"
)

var le = binary.LittleEndian

// NumSignals is the number of signals; they count from 1 (_NSIG in the kernel's
// signal.h). Signals from RTMin on are real-time signals, which queue.
const (
	NumSignals = 64
	RTMin      = 32
)

// SigSet is a set of signals as the kernel's sigset_t: bit n-1 stands for signal n.
type SigSet uint64

// SigMask is the set of the given signals.
func SigMask(sigs ...unix.Signal) (s SigSet) {
	for _, g := range sigs {
		s |= 1 << (g - 1)
	}
	return s
}

// Has reports whether sig is in the set.
func (s SigSet) Has(sig unix.Signal) bool { return s>>(sig-1)&1 != 0 }

// First is the signal of the lowest number in the set, 0 where it is empty.
func (s SigSet) First() unix.Signal {
	if s == 0 {
		return 0
	}
	return unix.Signal(bits.TrailingZeros64(uint64(s)) + 1)
}

// Special values of SigAction.Handler.
const (
	SigDefault = 0
	SigIgnore  = 1
)

// Flags of sigaction(2).
const (
	SA_NOCLDSTOP      = 0x1
	SA_NOCLDWAIT      = 0x2
	SA_SIGINFO        = 0x4
	SA_UNSUPPORTED    = 0x400
	SA_EXPOSE_TAGBITS = 0x800
	SA_RESTORER       = 0x04000000
	SA_ONSTACK        = 0x08000000
	SA_RESTART        = 0x10000000
	SA_NODEFER        = 0x40000000
	SA_RESETHAND      = 0x80000000
)

// SigAction is what sigaction(2) sets for a signal: struct kernel_sigaction, the same
// on every 64-bit architecture built here.
type SigAction struct {
	Handler  uint64
	Flags    uint64
	Restorer uint64
	Mask     SigSet
}

// SigActionSize is the size of struct kernel_sigaction.
const SigActionSize = 32

// Decode reads the action from b, of SigActionSize bytes.
func (a *SigAction) Decode(b []byte) {
	*a = SigAction{le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:]), SigSet(le.Uint64(b[24:]))}
}

// Encode writes the action to b, of SigActionSize bytes.
func (a *SigAction) Encode(b []byte) {
	le.PutUint64(b, a.Handler)
	le.PutUint64(b[8:], a.Flags)
	le.PutUint64(b[16:], a.Restorer)
	le.PutUint64(b[24:], uint64(a.Mask))
}

// Flags of an alternate signal stack (sigaltstack(2)).
const (
	SS_ONSTACK    = 1
	SS_DISABLE    = 2
	SS_AUTODISARM = 1 << 31
)

// SigStack is stack_t.
type SigStack struct {
	Base  uint64
	Flags uint32
	Size  uint64
}

// SigStackSize is the size of stack_t.
const SigStackSize = 24

// Decode reads the stack from b, of SigStackSize bytes.
func (s *SigStack) Decode(b []byte) {
	*s = SigStack{le.Uint64(b), le.Uint32(b[8:]), le.Uint64(b[16:])}
}

// Encode writes the stack to b, of SigStackSize bytes.
func (s *SigStack) Encode(b []byte) {
	le.PutUint64(b, s.Base)
	le.PutUint64(b[8:], uint64(s.Flags))
	le.PutUint64(b[16:], s.Size)
}

// Contains reports whether sp is within the stack: it grows downwards from its end.
func (s *SigStack) Contains(sp uint64) bool { return sp > s.Base && sp-s.Base <= s.Size }

// Values of si_code (sigaction(2)).
const (
	SI_USER    = 0
	SI_KERNEL  = 0x80
	SI_QUEUE   = -1
	SI_TIMER   = -2
	SI_MESGQ   = -3
	SI_ASYNCIO = -4
	SI_SIGIO   = -5
	SI_TKILL   = -6

	ILL_ILLOPC = 1
	ILL_ILLOPN = 2
	ILL_PRVOPC = 5

	FPE_INTDIV    = 1
	FPE_INTOVF    = 2
	FPE_FLTDIV    = 3
	FPE_FLTOVF    = 4
	FPE_FLTUND    = 5
	FPE_FLTRES    = 6
	FPE_FLTINV    = 7
	FPE_FLTUNK    = 14
	SEGV_MAPERR   = 1
	SEGV_ACCERR   = 2
	BUS_ADRALN    = 1
	BUS_ADRERR    = 2
	BUS_OBJERR    = 3
	TRAP_BRKPT    = 1
	TRAP_TRACE    = 2
	CLD_EXITED    = 1
	CLD_KILLED    = 2
	CLD_DUMPED    = 3
	CLD_TRAPPED   = 4
	CLD_STOPPED   = 5
	CLD_CONTINUED = 6
	POLL_IN       = 1
	POLL_OUT      = 2
	POLL_ERR      = 4
	POLL_PRI      = 5
	POLL_HUP      = 6
)

// SigInfoSize is the size of siginfo_t.
const SigInfoSize = 128

// SigInfo is siginfo_t as programs see it: the same on every 64-bit architecture
// built here. Which fields hold depends on the code; see sigaction(2).
type SigInfo [SigInfoSize]byte

func (i *SigInfo) Signo() unix.Signal     { return unix.Signal(le.Uint32(i[0:])) }
func (i *SigInfo) SetSigno(s unix.Signal) { le.PutUint32(i[0:], uint32(s)) }
func (i *SigInfo) Errno() int32           { return int32(le.Uint32(i[4:])) }
func (i *SigInfo) Code() int32            { return int32(le.Uint32(i[8:])) }
func (i *SigInfo) SetCode(c int32)        { le.PutUint32(i[8:], uint32(c)) }
func (i *SigInfo) PID() int32             { return int32(le.Uint32(i[16:])) }
func (i *SigInfo) SetPID(pid int32)       { le.PutUint32(i[16:], uint32(pid)) }
func (i *SigInfo) UID() uint32            { return le.Uint32(i[20:]) }
func (i *SigInfo) SetUID(uid uint32)      { le.PutUint32(i[20:], uid) }
func (i *SigInfo) Value() uint64          { return le.Uint64(i[24:]) }
func (i *SigInfo) SetValue(v uint64)      { le.PutUint64(i[24:], v) }
func (i *SigInfo) Status() int32          { return int32(le.Uint32(i[24:])) }
func (i *SigInfo) Addr() uint64           { return le.Uint64(i[16:]) }
func (i *SigInfo) Timer() int32           { return int32(le.Uint32(i[16:])) }
func (i *SigInfo) Overrun() int32         { return int32(le.Uint32(i[20:])) }
func (i *SigInfo) SetOverrun(n int32)     { le.PutUint32(i[20:], uint32(n)) }
func (i *SigInfo) Band() int64            { return int64(le.Uint64(i[16:])) }
func (i *SigInfo) FD() int32              { return int32(le.Uint32(i[24:])) }

// Kill is the information of a signal that a process sent: code is SI_USER, SI_TKILL
// or SI_QUEUE.
func Kill(sig unix.Signal, code, pid int32, uid uint32) (i SigInfo) {
	i.SetSigno(sig)
	i.SetCode(code)
	i.SetPID(pid)
	i.SetUID(uid)
	return i
}

// Kernel is the information of a signal from the kernel itself (SI_KERNEL).
func Kernel(sig unix.Signal) (i SigInfo) {
	i.SetSigno(sig)
	i.SetCode(SI_KERNEL)
	return i
}

// FaultInfo is the information of a signal for what an instruction at, or an access
// to, addr did.
func FaultInfo(sig unix.Signal, code int32, addr uint64) (i SigInfo) {
	i.SetSigno(sig)
	i.SetCode(code)
	le.PutUint64(i[16:], addr)
	return i
}

// SeccompInfo is the information of SIGSYS: why, data of who sent it, after which
// instruction, and which call of which architecture it was.
func SeccompInfo(code, errno int32, pc uint64, nr int32, arch uint32) (i SigInfo) {
	i.SetSigno(unix.SIGSYS)
	i.SetCode(code)
	le.PutUint32(i[4:], uint32(errno))
	le.PutUint64(i[16:], pc)
	le.PutUint32(i[24:], uint32(nr))
	le.PutUint32(i[28:], arch)
	return i
}

// Child is the information of SIGCHLD, and what waitid reports. Times are in clock
// ticks.
func Child(code, pid int32, uid uint32, status int32, utime, stime int64) (i SigInfo) {
	i.SetSigno(unix.SIGCHLD)
	i.SetCode(code)
	i.SetPID(pid)
	i.SetUID(uid)
	le.PutUint32(i[24:], uint32(status))
	le.PutUint64(i[32:], uint64(utime))
	le.PutUint64(i[40:], uint64(stime))
	return i
}

// Timer is the information of a signal from a POSIX timer.
func Timer(sig unix.Signal, id int32, value uint64) (i SigInfo) {
	i.SetSigno(sig)
	i.SetCode(SI_TIMER)
	le.PutUint32(i[16:], uint32(id))
	i.SetValue(value)
	return i
}

// PollInfo is the information of SIGIO with F_SETSIG.
func PollInfo(sig unix.Signal, code int32, band int64, fd int32) (i SigInfo) {
	i.SetSigno(sig)
	i.SetCode(code)
	le.PutUint64(i[16:], uint64(band))
	le.PutUint32(i[24:], uint32(fd))
	return i
}

// SigFrame is what the kernel pushes on a program's stack to run a signal handler.
type SigFrame struct {
	Info    *SigInfo
	Action  *SigAction
	SP      uint64   // where the stack is to grow from: the program's own, or an alternate one
	Mask    SigSet   // the mask that sigreturn restores
	Stack   SigStack // the alternate stack that sigreturn restores
	Return  uint64   // address of code that calls rt_sigreturn, where the action brings none; 0 for none
	Code    uint64   // machine.Trap.Code of a signal for a trap, else 0
	Address uint64   // the address of that trap
}
