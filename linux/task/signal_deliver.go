package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/trace"
	"kevlar/linux/user"
)

// beforeUser is the one place where a task looks at what it must do before it goes on
// in user mode: end, stop, take signals, restart a system call, tell a restartable
// sequence. It reports that the task must end.
func (t *Task) beforeUser() (end bool) {
	var info abi.SigInfo
	var act abi.SigAction
	for {
		sig, verdict := t.takeSignal(&info, &act)
		switch verdict {
		case mustEnd:
			return true
		case nothing:
			t.finishCall(nil)
			if t.hasSaved {
				t.RestoreMask()
				if t.Waiter.Interrupted() {
					continue
				}
			}
			return false
		case runHandler:
			t.finishCall(&act)
			stepping := t.stepping()
			t.handle(sig, &info, &act)
			t.ptraceHandler(stepping)
		}
	}
}

type verdict int

const (
	nothing    verdict = iota // no signal is left
	mustEnd                   // the thread must end
	runHandler                // there is a handler to run
)

// takeSignal acts on pending signals until one needs a handler, with info and act, or none
// is left.
func (t *Task) takeSignal(info *abi.SigInfo, act *abi.SigAction) (sig unix.Signal, v verdict) {
	g := t.Group
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		switch {
		case g.exiting:
			t.exitStatus = g.exitStatus
			return 0, mustEnd
		case t.killed:
			return 0, mustEnd
		case g.stop.tell:
			g.stop.tell = false
			g.mu.Unlock()
			g.tellParent(abi.CLD_CONTINUED, int32(unix.SIGCONT))
			g.mu.Lock()
			continue
		case t.mustStop():
			t.joinStop()
			continue
		case t.mustTrap():
			t.takeTrap()
			continue
		}
		sig = t.dequeue(^t.blocked, info)
		if sig != 0 && sig != unix.SIGKILL && t.ptrace.by != nil {
			if sig = t.ptraceSignal(sig, info); sig == 0 {
				continue
			}
		}
		if sig == 0 {
			t.attention()
			return 0, nothing
		}
		a := g.actions
		a.mu.Lock()
		*act = a.table[sig]
		if act.Handler > abi.SigIgnore && act.Flags&abi.SA_RESETHAND != 0 {
			a.table[sig].Handler = abi.SigDefault
		}
		a.mu.Unlock()
		if trace.On(trace.Signals) {
			t.traceTaken(sig, info, act)
		}
		switch {
		case act.Handler == abi.SigIgnore:
		case act.Handler > abi.SigIgnore:
			t.attention()
			return sig, runHandler
		case ignoreSignals.Has(sig):
		case g.unkillable && !onlyKernel.Has(sig):
		case stopSignals.Has(sig):
			t.defaultStop(sig)
		default:
			g.beginExit(WaitStatus(sig)) // without coreFlag: no core file is written
		}
	}
}

// dequeue takes one pending signal in set, and fills info: the thread's own before the group's.
// It returns 0 where there is none. The caller holds Group.mu.
func (t *Task) dequeue(set abi.SigSet, info *abi.SigInfo) unix.Signal {
	g := t.Group
	for _, p := range [...]*pending{&t.pending, &g.shared} {
		sig := next(p.set & set)
		if sig == 0 {
			continue
		}
		p.take(sig, info)
		if sig == unix.SIGALRM {
			g.alarmTaken()
		}
		if stopSignals.Has(sig) {
			g.stop.dequeued = true
		}
		return sig
	}
	return 0
}

// finishCall decides what becomes of a system call that a signal interrupted, before
// the handler of act runs, or no handler does (act is nil).
func (t *Task) finishCall(act *abi.SigAction) {
	err := t.interrupted
	if err == nil {
		return
	}
	t.interrupted = nil
	nr := t.Call.Number
	switch {
	case act == nil && err == abi.ERESTART_RESTARTBLOCK:
		nr = uint64(restartSyscall)
	case act == nil, err == abi.ERESTARTNOINTR:
	case err == abi.ERESTARTSYS && act.Flags&abi.SA_RESTART != 0:
	default:
		t.Regs.SetReturn(errnoResult(unix.EINTR))
		return
	}
	t.Regs.RestartSyscall(nr, t.Call.Args[0])
}

// errnoResult is how the result register tells an error.
func errnoResult(e unix.Errno) uint64 { return uint64(-int64(e)) }

var restartSyscall, _ = abi.Number("restart_syscall")

// SetRestart says how restart_syscall goes on with the call under way, which then
// returns ERESTART_RESTARTBLOCK.
func (t *Task) SetRestart(do func(*Task) (uint64, error)) { t.restart = do }

// Restart is restart_syscall(2).
func (t *Task) Restart() (uint64, error) {
	do := t.restart
	t.restart = nil
	if do == nil {
		return 0, unix.EINTR
	}
	return do(t)
}

// handle pushes a frame for the handler of act, which the program then runs.
func (t *Task) handle(sig unix.Signal, info *abi.SigInfo, act *abi.SigAction) {
	t.leaveSection()
	if t.scratch == nil {
		t.scratch = make([]byte, abi.FrameScratch)
	}
	t.Kernel.Machine.SaveFP(t.Regs)
	f := abi.SigFrame{
		Info: info, Action: act, Mask: t.blocked, Stack: t.altStackNow(),
		Code: t.trapCode, Address: t.trapAddr,
	}
	f.Return = uint64(t.sigReturn)
	if t.hasSaved {
		f.Mask = t.saved
	}
	if info.Code() <= 0 || !syncSignals.Has(sig) {
		f.Code, f.Address = 0, 0
	}
	f.SP = t.Regs.StackPtr() - abi.RedZone
	onAlt := t.onAltStack()
	if act.Flags&abi.SA_ONSTACK != 0 && t.altStack.Size != 0 && !onAlt {
		f.SP = t.altStack.Base + t.altStack.Size
	}
	if err := t.pushFrame(&f, onAlt); err != nil {
		t.hasSaved = false
		t.forceSegv(sig)
		return
	}
	if t.altStack.Flags&abi.SS_AUTODISARM != 0 {
		t.altStack = abi.SigStack{Flags: abi.SS_DISABLE}
	}
	t.hasSaved = false
	mask := t.blocked | act.Mask
	if act.Flags&abi.SA_NODEFER == 0 {
		mask |= abi.SigMask(sig)
	}
	t.SetBlocked(mask)
}

func (t *Task) pushFrame(f *abi.SigFrame, onAlt bool) error {
	if onAlt && f.SP-abi.FrameScratch < t.altStack.Base {
		return unix.EFAULT // the frame would leave the alternate stack: sigaltstack(2)
	}
	return abi.PushSignalFrame(t.Regs, t.Mem, f, t.scratch)
}

// SignalReturn is rt_sigreturn(2): it returns what the registers say the result of
// the interrupted call was.
func (t *Task) SignalReturn() (uint64, error) {
	if t.scratch == nil {
		t.scratch = make([]byte, abi.FrameScratch)
	}
	t.Kernel.Machine.SaveFP(t.Regs)
	mask, stack, err := abi.PopSignalFrame(t.Regs, t.Mem, t.scratch)
	if err != nil {
		t.forceSegv(0)
		return t.Regs.Return(), nil
	}
	t.ptrace.noCall = t.callWork.Load() != 0
	t.SetBlocked(mask)
	t.setAltStack(stack, 0) // a stack that makes no sense is left out, as on Linux
	return t.Regs.Return(), nil
}

// onAltStack reports whether the program runs on its alternate stack. With
// SS_AUTODISARM the stack is forgotten while a handler runs on it.
func (t *Task) onAltStack() bool {
	return t.altStack.Flags&abi.SS_AUTODISARM == 0 && t.altStack.Size != 0 && t.altStack.Contains(t.Regs.StackPtr())
}

// altStackNow is the alternate stack as sigaltstack(2) shows it.
func (t *Task) altStackNow() abi.SigStack {
	s := t.altStack
	s.Flags &= abi.SS_AUTODISARM
	switch {
	case s.Size == 0:
		s.Flags |= abi.SS_DISABLE
	case t.onAltStack():
		s.Flags |= abi.SS_ONSTACK
	}
	return s
}

// AltStack is sigaltstack(2): it returns the stack and, where set is not nil, replaces
// it. EPERM while the program runs on it, EINVAL for unknown flags, ENOMEM for one that
// is too small.
func (t *Task) AltStack(set *abi.SigStack) (abi.SigStack, error) {
	old := t.altStackNow()
	if set != nil {
		if err := t.setAltStack(*set, abi.MinSigStack); err != nil {
			return old, err
		}
	}
	return old, nil
}

func (t *Task) setAltStack(s abi.SigStack, least uint64) error {
	if t.onAltStack() {
		return unix.EPERM
	}
	mode := s.Flags &^ abi.SS_AUTODISARM
	if mode != 0 && mode != abi.SS_ONSTACK && mode != abi.SS_DISABLE {
		return unix.EINVAL
	}
	if mode == abi.SS_DISABLE {
		t.altStack = abi.SigStack{Flags: s.Flags & abi.SS_AUTODISARM}
		return nil
	}
	if s.Size < least {
		return unix.ENOMEM
	}
	s.Flags &= abi.SS_AUTODISARM
	t.altStack = s
	return nil
}

// trapSignal sends the task the signal for what an instruction did.
func (t *Task) trapSignal(sig unix.Signal, code int32, addr user.Addr) {
	info := abi.FaultInfo(sig, code, uint64(addr))
	t.force(&info)
}
