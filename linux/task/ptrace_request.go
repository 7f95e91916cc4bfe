package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/user"
)

// Tracee is a thread that waits for its tracer, as the tracer sees it: good while the
// function that Tracee is given runs.
type Tracee struct{ t *Task }

// Tracee calls do with o, which t traces and which stays where it is meanwhile. ESRCH where o
// is not traced by t, or does not wait for it. do must not touch t's memory.
func (t *Task) Tracee(o *Task, do func(Tracee) error) error {
	o.Group.mu.Lock()
	defer o.Group.mu.Unlock()
	if p := &o.ptrace; p.by != t || !p.stopped || p.listening || !p.ending && o.Killed() || p.ended {
		return unix.ESRCH
	}
	return do(Tracee{o})
}

// PtraceInterrupt is PTRACE_INTERRUPT: ESRCH for a thread that t does not trace, EIO for one
// that it has not seized.
func (t *Task) PtraceInterrupt(o *Task) error {
	o.Group.mu.Lock()
	defer o.Group.mu.Unlock()
	switch p := &o.ptrace; {
	case p.by != t:
		return unix.ESRCH
	case !p.seized:
		return unix.EIO
	default:
		p.trapStop = true
		o.Group.cont.Broadcast()
		o.interrupt()
	}
	return nil
}

// PtraceKill is PTRACE_KILL: SIGKILL, in whatever state o is.
func (t *Task) PtraceKill(o *Task) error {
	procs.RLock()
	defer procs.RUnlock()
	if o.ptrace.by != t {
		return unix.ESRCH
	}
	info := abi.Kill(unix.SIGKILL, abi.SI_USER, int32(t.Group.pid.in(o.pid.ns)), o.Group.uidOf(t))
	return o.Group.send(&info, signal{to: o, force: true})
}

// PtraceDetach is PTRACE_DETACH: o goes on with a signal, or 0. EIO for what is no signal.
func (t *Task) PtraceDetach(o *Task, sig uint64) error {
	procs.Lock()
	defer procs.Unlock()
	err := t.Tracee(o, func(Tracee) error {
		if sig > abi.NumSignals {
			return unix.EIO
		}
		return nil
	})
	if err == nil {
		o.ptraceUnlink(unix.Signal(sig))
	}
	return err
}

// Resume lets the thread go on with a signal, or 0. EIO for what is no signal.
func (e Tracee) Resume(sig uint64, until Until) error {
	if sig > abi.NumSignals {
		return unix.EIO
	}
	p := &e.t.ptrace
	p.inject, p.until, p.stopped = unix.Signal(sig), until, false
	e.t.Group.cont.Broadcast()
	return nil
}

// Listen is PTRACE_LISTEN: the thread stays stopped, and stops again when its group goes on.
// EIO where it was not seized, or is in another kind of stop.
func (e Tracee) Listen() error {
	p := &e.t.ptrace
	if !p.seized || !p.hasInfo || p.info.Code()>>8 != unix.PTRACE_EVENT_STOP {
		return unix.EIO
	}
	p.listening = true
	e.t.Group.cont.Broadcast()
	return nil
}

// SetOptions is PTRACE_SETOPTIONS by t: EINVAL for what is not known.
func (e Tracee) SetOptions(t *Task, options uint64) error {
	err := t.mayPtraceWith(options)
	if err == nil {
		e.t.ptrace.options = options
	}
	return err
}

// Message is PTRACE_GETEVENTMSG.
func (e Tracee) Message() uint64 { return e.t.ptrace.message }

// Info and SetInfo are PTRACE_GETSIGINFO and PTRACE_SETSIGINFO: EINVAL in a stop of the
// thread's group.
func (e Tracee) Info() (abi.SigInfo, error) {
	if !e.t.ptrace.hasInfo {
		return abi.SigInfo{}, unix.EINVAL
	}
	return e.t.ptrace.info, nil
}

func (e Tracee) SetInfo(i abi.SigInfo) error {
	if !e.t.ptrace.hasInfo {
		return unix.EINVAL
	}
	e.t.ptrace.info = i
	return nil
}

// Mask and SetMask are PTRACE_GETSIGMASK and PTRACE_SETSIGMASK. In a system call with a mask of
// its own it is the one that comes back.
func (e Tracee) Mask() abi.SigSet {
	if e.t.hasSaved {
		return e.t.saved
	}
	return e.t.blocked
}

func (e Tracee) SetMask(mask abi.SigSet) {
	e.t.hasSaved = false
	e.t.blocked = mask &^ onlyKernel
	e.t.interrupt() // it looks again at what is pending
}

// PendingInfo is PTRACE_PEEKSIGINFO: n signals from the one number off on that wait for the
// thread, or with shared for its process.
func (e Tracee) PendingInfo(off uint64, n int, shared bool) (list []abi.SigInfo) {
	p := &e.t.pending
	if shared {
		p = &e.t.Group.shared
	}
	for q := p.first; q != nil && len(list) < n; q = q.next {
		if off > 0 {
			off--
			continue
		}
		list = append(list, q.info)
	}
	return list
}

// Rseq is PTRACE_GET_RSEQ_CONFIGURATION: where the thread's struct rseq is, its size and the
// signature before abort handlers; 0 without one.
func (e Tracee) Rseq() (area user.Addr, size, sig uint32) {
	r := &e.t.attributes.rseq
	if r.area != 0 {
		size = rseqSize
	}
	return r.area, size, r.sig
}

// call is the number of the system call that the thread is in, -1 for none.
func (e Tracee) call() int64 {
	if !e.t.inCall() {
		return -1
	}
	return int64(int32(e.t.Call.Number))
}

func (e Tracee) setCall(nr int64) {
	e.t.ptrace.noCall = int32(nr) < 0
	if e.t.inCall() && nr >= 0 {
		e.t.Call.Number = uint64(uint32(nr))
	}
}

// Registers are a set of the thread's registers, as a tracer reads them: EINVAL for a set that
// the architecture does not have.
func (e Tracee) Registers(set uint32) ([]byte, error) {
	return abi.EncodeRegs(e.t.Regs, set, e.call())
}

// SetRegisters changes the first len(b) bytes of a set. EINVAL and EIO for what a register
// cannot be.
func (e Tracee) SetRegisters(set uint32, b []byte) error {
	nr, err := abi.DecodeRegs(e.t.Regs, set, e.call(), b)
	if err == nil && nr != e.call() {
		e.setCall(nr)
	}
	return err
}

// CallInfo is what PTRACE_GET_SYSCALL_INFO tells.
type CallInfo struct {
	Op      uint8 // PTRACE_SYSCALL_INFO_ constant
	PC, SP  uint64
	Number  uint64
	Args    [6]uint64
	Result  int64
	Failed  bool
	Message uint32 // of a filter: SECCOMP_RET_DATA
}

// CallInfo tells of the system call at whose end the thread has stopped.
func (e Tracee) CallInfo() (c CallInfo) {
	p, r := &e.t.ptrace, e.t.Regs
	c.PC, c.SP = r.PC(), r.StackPtr()
	code := int32(0)
	if p.hasInfo {
		code = p.info.Code()
	}
	switch {
	case code == int32(unix.SIGTRAP)|0x80 && p.message == atEntry:
		c.Op = unix.PTRACE_SYSCALL_INFO_ENTRY
	case code == int32(unix.SIGTRAP)|0x80 && p.message == atExit:
		c.Op = unix.PTRACE_SYSCALL_INFO_EXIT
	case code == eventCode(unix.PTRACE_EVENT_SECCOMP):
		c.Op, c.Message = unix.PTRACE_SYSCALL_INFO_SECCOMP, uint32(p.message)
	}
	c.Number = uint64(e.call())
	r.Syscall(&c.Args)
	c.Result = int64(r.Return())
	c.Failed = c.Result < 0 && c.Result >= -maxErrno
	return c
}
