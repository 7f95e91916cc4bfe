package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/seccomp"
	"kevlar/linux/wait"
	"kevlar/machine"
)

// What a traced thread does: it stops where ptrace(2) says, and tells its tracer.

// ptraceStop is a stop for the tracer.
type ptraceStop struct {
	code    int32 // what wait tells: a signal, above it an event
	why     int32 // CLD_ constant of the tracer's SIGCHLD
	message uint64
	info    *abi.SigInfo // of the signal; nil in a group stop
}

// ptraceNotice is a stop that is about no signal: its information tells code again.
func (t *Task) ptraceNotice(code int32, message uint64) ptraceStop {
	sig := unix.Signal(code & 0x7f)
	info := abi.Kill(sig, code, int32(t.pid.local()), t.Cred().User.ShowUID(t.Cred().UID))
	return ptraceStop{code: code, why: abi.CLD_TRAPPED, message: message, info: &info}
}

// eventCode is the code of a stop for an event.
func eventCode(event int32) int32 { return event<<8 | int32(unix.SIGTRAP) }

// stopForTracer stops the calling thread until its tracer lets it go on, and returns the
// signal that it is to have then; ok is false where it did not stop, because it must end or
// is not traced any more. The caller holds Group.mu, which this lets go of for a while.
func (t *Task) stopForTracer(s ptraceStop) (inject unix.Signal, ok bool) {
	g, p := t.Group, &t.ptrace
	if p.by == nil || !p.ending && t.Killed() {
		return 0, false
	}
	t.endStep()
	p.until = UntilSignal
	p.trapStop = false
	if s.code>>8 == unix.PTRACE_EVENT_STOP {
		p.trapNotify = false
	}
	p.code, p.message, p.inject = s.code, s.message, 0
	if p.hasInfo = s.info != nil; p.hasInfo {
		p.info = *s.info
	}
	if err := t.interrupted; err != nil {
		p.noCall = false
		t.Regs.SetReturn(errnoResult(err.(unix.Errno))) // a tracer sees that, and may change it
	}
	t.Kernel.Machine.SaveFP(t.Regs)
	p.stopped, p.news, p.listening = true, true, false
	g.cont.Broadcast()
	g.mu.Unlock()
	t.tellTracer(s)
	t.withdraw()
	g.mu.Lock()
	for p.stopped && !(p.listening && (p.trapStop || p.trapNotify)) {
		if p.ending && p.ended || !p.ending && t.Killed() {
			break
		}
		g.cont.Wait()
	}
	p.stopped, p.listening, p.news = false, false, false
	if t.interrupted != nil {
		t.readRestart()
	}
	if late := p.late; p.until == UntilStepped && late {
		t.lateStep()
	} else if p.until == UntilStepped {
		p.forced = abi.BeginStep(t.Regs)
	}
	p.late = false
	return p.inject, true
}

// readRestart finds out what is to become of an interrupted system call after the tracer has
// had the registers: they say so.
func (t *Task) readRestart() {
	t.interrupted = nil
	if t.ptrace.noCall {
		return
	}
	switch e := unix.Errno(-int64(t.Regs.Return())); e {
	case abi.ERESTARTSYS, abi.ERESTARTNOINTR, abi.ERESTARTNOHAND, abi.ERESTART_RESTARTBLOCK:
		t.interrupted = e
	}
}

// endStep ends that the thread's next instruction is its last for now.
func (t *Task) endStep() {
	if t.ptrace.forced {
		t.ptrace.forced = false
		abi.EndStep(t.Regs)
	}
}

// lateStep is the end of a step that no instruction was. The caller holds Group.mu.
func (t *Task) lateStep() {
	info := abi.FaultInfo(unix.SIGTRAP, abi.TRAP_TRACE, t.Regs.PC())
	t.forceLocked(&info)
}

// tellTracer sends the tracer SIGCHLD for a stop, and wakes its wait.
func (t *Task) tellTracer(s ptraceStop) {
	procs.RLock()
	defer procs.RUnlock()
	by := t.ptrace.by
	if by == nil {
		return
	}
	act := by.Group.actions.get(unix.SIGCHLD)
	if act.Handler != abi.SigIgnore && act.Flags&abi.SA_NOCLDSTOP == 0 {
		by.Group.sendOf(t, s.why, s.code&0x7f)
	}
	by.Group.childWait.Wake(wait.All)
}

// ptraceSignal lets the tracer decide about a signal that t has taken: it returns the one to
// act on, 0 for none. The caller holds Group.mu.
func (t *Task) ptraceSignal(sig unix.Signal, info *abi.SigInfo) unix.Signal {
	g, p := t.Group, &t.ptrace
	by := p.by
	g.stop.dequeued = true
	now, ok := t.stopForTracer(ptraceStop{code: int32(sig), why: abi.CLD_TRAPPED, info: info})
	if !ok {
		return sig
	}
	*info = p.info // PTRACE_SETSIGINFO
	switch {
	case now == 0:
		return 0
	case now != info.Signo():
		*info = abi.Kill(now, abi.SI_USER, int32(by.Group.pid.in(t.pid.ns)), g.uidOf(by))
	}
	if t.blocked.Has(now) || t.Killed() {
		g.sendLocked(info, signal{to: t})
		return 0
	}
	return now
}

// mustTrap reports whether t has to stop for its tracer, though not for a signal. The caller
// holds Group.mu.
func (t *Task) mustTrap() bool { return t.ptrace.trapStop || t.ptrace.trapNotify }

// takeTrap stops for the tracer with the group, or because it asked for it. The caller holds
// Group.mu.
func (t *Task) takeTrap() {
	g, p := t.Group, &t.ptrace
	if !p.seized {
		t.stopForTracer(ptraceStop{code: int32(p.stopSig), why: abi.CLD_STOPPED})
		p.trapStop, p.trapNotify = false, false
		return
	}
	sig := unix.SIGTRAP
	if g.stop.pending {
		sig = g.stop.sig
	}
	s := t.ptraceNotice(unix.PTRACE_EVENT_STOP<<8|int32(sig), 0)
	s.why = abi.CLD_STOPPED
	if _, ok := t.stopForTracer(s); !ok {
		p.trapStop, p.trapNotify = false, false
	}
}

// notifyTraps makes the seized threads of g but except stop again for what has become of the
// group's stop. The caller holds Group.mu.
func (g *Group) notifyTraps(except *Task) {
	for t := g.threads; t != nil; t = t.next {
		if t != except && t.ptrace.by != nil && t.ptrace.seized && !t.exiting {
			t.ptrace.trapNotify = true
			t.interrupt()
		}
	}
	g.cont.Broadcast()
}

// endLastStops ends the stops of threads on their way out. The caller holds Group.mu.
func (g *Group) endLastStops() {
	for t := g.threads; t != nil; t = t.next {
		if t.ptrace.ending {
			t.ptrace.ended = true
		}
	}
	g.cont.Broadcast()
}

// ptraceEvent stops for an event, if the tracer wants to know of it: option is 1<<event. It
// reports whether the tracer did.
func (t *Task) ptraceEvent(event int32, message uint64) bool {
	if t.callWork.Load()&workPtrace == 0 {
		return false
	}
	g := t.Group
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.ptrace.options&(1<<event) == 0 {
		return false
	}
	t.stopForTracer(t.ptraceNotice(eventCode(event), message))
	t.attention()
	return true
}

// ptraceExiting is PTRACE_EVENT_EXIT.
func (t *Task) ptraceExiting() {
	if t.callWork.Load()&workPtrace == 0 {
		return
	}
	g, p := t.Group, &t.ptrace
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.options&ptraceExit != 0 {
		status := t.exitStatus
		if g.exiting {
			status = g.exitStatus
		}
		p.ending = true
		t.stopForTracer(t.ptraceNotice(eventCode(unix.PTRACE_EVENT_EXIT), uint64(status)))
		p.ending = false
	}
	t.endStep()
}

// cloneEvent is the event for what clone makes.
func cloneEvent(a *CloneArgs) int32 {
	switch {
	case a.Flags&unix.CLONE_VFORK != 0:
		return unix.PTRACE_EVENT_VFORK
	case a.ExitSignal != unix.SIGCHLD:
		return unix.PTRACE_EVENT_CLONE
	}
	return unix.PTRACE_EVENT_FORK
}

// ptraceChild lets t's tracer trace c too, which t has made and not started, if it asked for
// that or the program did. event is what the tracer will hear of it, 0 for nothing.
func (t *Task) ptraceChild(c *Task, a *CloneArgs) (event int32) {
	if t.callWork.Load()&workPtrace == 0 {
		return 0
	}
	c.Call = t.Call // which it returns from
	procs.Lock()
	defer procs.Unlock()
	p := &t.ptrace
	if p.by == nil {
		return 0
	}
	if event = cloneEvent(a); a.Flags&unix.CLONE_UNTRACED != 0 || p.options&(1<<event) == 0 {
		event = 0
	}
	if event == 0 && a.Flags&unix.CLONE_PTRACE == 0 {
		return 0
	}
	c.Group.mu.Lock()
	defer c.Group.mu.Unlock()
	c.ptraceLink(p.by, p.cred, p.seized, p.options)
	if p.seized {
		c.ptrace.trapStop = true
	} else {
		c.pending.set |= abi.SigMask(unix.SIGSTOP)
	}
	c.interrupt()
	return event
}

// ptraceMade tells the tracer of event, which c's making was.
func (t *Task) ptraceMade(event int32, c ID) {
	if event == 0 {
		return
	}
	id := uint64(c)
	procs.RLock()
	if by := t.ptrace.by; by != nil {
		if o := t.pid.ns.find(c); o != nil {
			id = uint64(o.pid.in(by.pid.ns))
		}
	}
	procs.RUnlock()
	t.ptraceEvent(event, id)
}

// ptraceVforkDone tells the tracer that c no longer has t's memory.
func (t *Task) ptraceVforkDone(c ID) { t.ptraceMade(unix.PTRACE_EVENT_VFORK_DONE, c) }

// ptraceExeced is what a tracer sees of execve: an event, or SIGTRAP. former is the ID that the
// thread had before.
func (t *Task) ptraceExeced(former ID) {
	if t.callWork.Load()&workPtrace == 0 || t.ptraceEvent(unix.PTRACE_EVENT_EXEC, uint64(former)) {
		return
	}
	t.Group.mu.Lock()
	seized := t.ptrace.seized || t.ptrace.by == nil
	t.Group.mu.Unlock()
	if !seized {
		t.Signal(unix.SIGTRAP)
	}
}

// workCall does what is to be done about the system call in t.Call besides the call itself:
// false where the call must not be made any more.
func (t *Task) workCall() bool {
	t.ptrace.noCall = false
	if t.callWork.Load()&workPtrace == 0 {
		s := t.Seccomp()
		return s == nil || t.mayCall(s)
	}
	if t.ptraceEntry() {
		v, err := t.Kernel.Dispatch(t)
		if err != nil {
			v = t.failed(err.(unix.Errno))
		}
		t.Regs.SetReturn(v)
	}
	t.ptraceExit()
	return false
}

// Messages of stops at system calls: PTRACE_GETEVENTMSG.
const (
	atEntry = 1
	atExit  = 2
)

// ptraceEntry stops at the entry to the system call in t.Call, where the tracer wants that,
// and asks the filters. False says that no call is to be made.
func (t *Task) ptraceEntry() bool {
	g, p := t.Group, &t.ptrace
	g.mu.Lock()
	until, suspended := p.until, p.options&ptraceSuspend != 0
	if until == UntilCall || until == UntilSysemu {
		abi.EnterCall(t.Regs)
		t.ptraceCall(atEntry)
	}
	g.mu.Unlock()
	if until == UntilSysemu || p.noCall || t.Killed() {
		return false
	}
	s := t.Seccomp()
	return s == nil || suspended || t.mayCall(s)
}

// ptraceExit stops at the exit from a system call, where the tracer wants that. Where it wants
// single steps, the call was one.
func (t *Task) ptraceExit() {
	g, p := t.Group, &t.ptrace
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case p.by == nil:
	case p.until == UntilCall:
		t.ptraceCall(atExit)
	case p.until == UntilStepped && !t.Killed():
		info := abi.StepInfo(t.Regs.PC(), int32(t.pid.local()), t.Cred().User.ShowUID(t.Cred().UID))
		t.forceLocked(&info)
		p.late = abi.LateSteps
	}
}

// ptraceCall stops at an end of a system call. The tracer may change what call it is and its
// arguments, or its result. The caller holds Group.mu.
func (t *Task) ptraceCall(at uint64) {
	p := &t.ptrace
	code := int32(unix.SIGTRAP)
	if p.options&ptraceSysGood != 0 {
		code |= 0x80
	}
	s := t.ptraceNotice(code, at)
	mark := abi.MarkCall(t.Regs, at == atExit)
	inject, _ := t.stopForTracer(s)
	abi.UnmarkCall(t.Regs, mark)
	if at == atEntry {
		t.Regs.Syscall(&t.Call.Args)
	}
	if inject != 0 {
		info := abi.Kernel(inject)
		t.Group.sendLocked(&info, signal{to: t})
	}
	t.attention()
}

// ptraceFilter stops because a filter said so, and reports whether the call is to be made
// then.
func (t *Task) ptraceFilter(s *seccomp.State, data uint16) bool {
	abi.EnterCall(t.Regs)
	if !t.ptraceEvent(unix.PTRACE_EVENT_SECCOMP, uint64(data)) {
		t.Regs.SetReturn(errnoResult(unix.ENOSYS))
		return false
	}
	if t.Killed() || t.ptrace.noCall {
		return false
	}
	t.Regs.Syscall(&t.Call.Args)
	d := seccomp.NewData(uint32(t.Call.Number), abi.AuditArch, t.Regs.PC(), t.Call.Args)
	action, data := s.Check(&d)
	return action == seccomp.Trace || t.act(action, data)
}

// ptraceHandler tells a tracer that steps that a signal's handler begins.
func (t *Task) ptraceHandler(stepping bool) {
	if !stepping {
		return
	}
	t.Group.mu.Lock()
	defer t.Group.mu.Unlock()
	if abi.LateSteps {
		t.lateStep()
		return
	}
	t.stopForTracer(t.ptraceNotice(int32(unix.SIGTRAP), 0))
	t.attention()
}

// stepping ends single steps and reports whether they were on.
func (t *Task) stepping() bool {
	on := t.ptrace.forced
	t.endStep()
	return on
}

// inCall reports whether the last thing that the thread did was a system call.
func (t *Task) inCall() bool { return t.trap.Kind == machine.Syscall && !t.ptrace.noCall }
