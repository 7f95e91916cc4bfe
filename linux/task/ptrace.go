package task

import (
	"slices"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/cred"
	"kevlar/linux/wait"
)

// Who traces whom, and how that begins and ends: ptrace(2). What a traced thread does is in
// ptrace_stop.go, what its tracer may ask of it in ptrace_request.go.

// ptraced is a thread as one that is traced. It is guarded by Group.mu; by changes under
// procs as well, so either suffices to read it. While the thread is in a stop for its tracer
// its registers are the tracer's, who holds Group.mu to use them.
type ptraced struct {
	by      *Task      // the tracer; nil for none
	cred    *cred.Cred // the tracer's when it began
	seized  bool       // by PTRACE_SEIZE
	options uint64     // PTRACE_O_ constants

	// Why the thread has to stop besides for a signal.
	trapStop   bool        // PTRACE_INTERRUPT, or its group stops
	trapNotify bool        // something has changed about the group's stop; for a seized thread
	stopSig    unix.Signal // what stopped the group
	counted    bool        // it has been counted as stopped in the group's stop that is on

	// The stop that it is in.
	stopped   bool // it waits for the tracer
	listening bool // PTRACE_LISTEN
	ending    bool // in PTRACE_EVENT_EXIT, which the end of others does not end
	ended     bool // but SIGKILL and the group's end did
	news      bool // no wait has reported the stop
	code      int32
	message   uint64
	info      abi.SigInfo
	hasInfo   bool

	// What the tracer wants after the stop.
	inject unix.Signal
	until  Until

	// The task's own, and the tracer's while it is in a stop.
	late   bool // the step that has ended was a system call: abi.LateSteps
	forced bool // the registers are set to step, and were not
	noCall bool // the last trap was a system call, but it counts as none: rt_sigreturn, or the tracer says so
}

// Until is how far a traced thread goes on.
type Until uint8

const (
	UntilSignal  Until = iota // PTRACE_CONT
	UntilCall                 // PTRACE_SYSCALL: the entry to a system call, or its exit
	UntilSysemu               // PTRACE_SYSEMU: the entry, and the call is not made
	UntilStepped              // PTRACE_SINGLESTEP
)

// Options of PTRACE_SETOPTIONS.
const (
	ptraceSysGood  = unix.PTRACE_O_TRACESYSGOOD
	ptraceExit     = unix.PTRACE_O_TRACEEXIT
	ptraceExitKill = unix.PTRACE_O_EXITKILL
	ptraceSuspend  = unix.PTRACE_O_SUSPEND_SECCOMP

	ptraceOptions = 0xff | ptraceExitKill | ptraceSuspend
)

// Bits of Task.callWork: what is to be done about a system call besides the call.
const (
	workSeccomp = 1 << iota
	workPtrace
)

// PtraceMe is PTRACE_TRACEME: the thread that made the process traces the caller. EPERM where
// it is traced already, or may do what its parent may not.
func (t *Task) PtraceMe() error {
	procs.Lock()
	defer procs.Unlock()
	parent := t.Group.parent.Load()
	if t.ptrace.by != nil || parent == nil {
		return unix.EPERM
	}
	by := t.forker
	if by == nil || by.gone || by.Group != parent {
		by = parent.leader
	}
	c, o := by.Cred(), t.Cred()
	if (c.User != o.User || o.Permitted&^c.Permitted != 0) && !c.CapableIn(o.User, unix.CAP_SYS_PTRACE) {
		return unix.EPERM
	}
	if by.gone {
		return nil
	}
	t.Group.mu.Lock()
	defer t.Group.mu.Unlock()
	t.ptraceLink(by, by.Cred(), false, 0)
	return nil
}

// PtraceAttach is PTRACE_ATTACH, which stops o, and with seize PTRACE_SEIZE, which does not.
func (t *Task) PtraceAttach(o *Task, seize bool, options uint64) error {
	if seize {
		if options&^uint64(ptraceOptions) != 0 {
			return unix.EIO
		}
		if err := t.mayPtraceWith(options); err != nil {
			return err
		}
	}
	if o.Group == t.Group || t.MayAccess(o, true) != nil {
		return unix.EPERM
	}
	procs.Lock()
	if o.ptrace.by != nil || o.gone || t.gone {
		procs.Unlock()
		return unix.EPERM
	}
	g, p := o.Group, &o.ptrace
	g.mu.Lock()
	defer g.mu.Unlock()
	o.ptraceLink(t, t.Cred(), seize, options)
	if !seize {
		info := abi.Kernel(unix.SIGSTOP)
		g.sendLocked(&info, signal{to: o, force: true})
	}
	if !o.stopped {
		procs.Unlock()
		return nil
	}
	// Its group's stop becomes one for the tracer, which finds it so when this returns.
	p.trapStop, p.stopSig = true, g.stop.sig
	g.cont.Broadcast()
	procs.Unlock()
	for p.by == t && !p.stopped && !o.Killed() && !o.exiting {
		g.cont.Wait()
	}
	return nil
}

// mayPtraceWith checks options of the caller's: EINVAL for what is not known.
func (t *Task) mayPtraceWith(options uint64) error {
	switch {
	case options&^uint64(ptraceOptions) != 0:
		return unix.EINVAL
	case options&ptraceSuspend == 0:
	case !t.Capable(unix.CAP_SYS_ADMIN), t.Seccomp() != nil:
		return unix.EPERM
	}
	return nil
}

// ptraceLink makes by the tracer of t. The caller holds procs and Group.mu.
func (t *Task) ptraceLink(by *Task, c *cred.Cred, seized bool, options uint64) {
	by.Group.tracees = append(by.Group.tracees, t)
	p := &t.ptrace
	p.by, p.cred, p.seized, p.options = by, c, seized, options
	p.inject, p.until = 0, UntilSignal
	t.callWork.Or(workPtrace)
}

// ptraceUnlink ends that t is traced, and lets it go on with a signal. Where its group is
// stopped, it stops with it again. The caller holds procs.
func (t *Task) ptraceUnlink(sig unix.Signal) {
	g, p := t.Group, &t.ptrace
	if by := p.by; by != nil {
		by.Group.tracees = slices.DeleteFunc(by.Group.tracees, func(o *Task) bool { return o == t })
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t.callWork.And(^uint32(workPtrace))
	p.by, p.cred, p.options, p.trapStop, p.trapNotify = nil, nil, 0, false, false
	p.inject, p.until, p.stopped, p.listening = sig, UntilSignal, false, false
	g.cont.Broadcast()
	if g.stop.pending {
		t.interrupt()
	}
}

// ptraceEnd is the end of t as a tracer and as one that is traced. The caller holds procs.
func (t *Task) ptraceEnd() {
	g := t.Group
	for _, o := range slices.Clone(g.tracees) {
		if o.ptrace.by != t {
			continue
		}
		kill := o.ptrace.options&ptraceExitKill != 0
		o.ptraceUnlink(0)
		if kill {
			info := abi.Kernel(unix.SIGKILL)
			o.Group.send(&info, signal{force: true})
		}
		if o.Group.withTracer {
			o.Group.withTracer = false
			o.Group.tellEnd()
		}
	}
	g.ptraceEnds = slices.DeleteFunc(g.ptraceEnds, func(e ptraceEnd) bool { return e.by == t })
	by := t.ptrace.by
	if by == nil || t == g.leader {
		return // a process's end is told by tellEnd
	}
	w := Waited{ID: t.pid.in(by.pid.ns), UID: by.Cred().User.ShowUID(t.Cred().UID), Status: t.exitStatus, Usage: t.ownUsage()}
	w.Code, w.Value = w.Status.code()
	if by.Group.tellTracerEnd(t, w.Code, w.Value) {
		by.Group.ptraceEnds = append(by.Group.ptraceEnds, ptraceEnd{by: by, job: g.process, w: w})
		by.Group.childWait.Wake(wait.All)
	}
	t.ptraceUnlink(0)
}

// ptraceEnd is a traced thread that has ended, but for a leader: wait reports it.
type ptraceEnd struct {
	by  *Task
	job *ProcessGroup
	w   Waited
}

// tellTracerEnd sends the tracer's process g SIGCHLD for the end of o; false where it does not
// want to wait for it. The caller holds procs.
func (g *Group) tellTracerEnd(o *Task, code, value int32) (waits bool) {
	act := g.actions.get(unix.SIGCHLD)
	if act.Handler != abi.SigIgnore {
		g.sendOf(o, code, value)
	}
	return act.Handler != abi.SigIgnore && act.Flags&abi.SA_NOCLDWAIT == 0
}

// sendOf sends the tracer's process g SIGCHLD with news of o.
func (g *Group) sendOf(o *Task, code, value int32) {
	u := o.ownUsage()
	info := abi.Child(code, int32(o.pid.in(g.pid.ns)), g.uidOf(o), value, ticks(u.User), ticks(u.System))
	g.send(&info, signal{})
}

// traces reports whether a thread of g traces c's leader. The caller holds procs.
func (g *Group) traces(c *Group) bool {
	by := c.leader.ptrace.by
	return by != nil && by.Group == g
}

// Tracer is who traces the thread, 0 in ns for nobody: /proc/PID/status.
func (t *Task) Tracer(ns *PIDNamespace) ID {
	procs.RLock()
	defer procs.RUnlock()
	if by := t.ptrace.by; by != nil {
		return by.pid.in(ns)
	}
	return 0
}

// tracerID is t's ID as its tracer knows it, 0 without a tracer.
func (t *Task) tracerID() ID {
	if t.callWork.Load()&workPtrace == 0 {
		return 0
	}
	procs.RLock()
	defer procs.RUnlock()
	if by := t.ptrace.by; by != nil {
		return t.pid.in(by.pid.ns)
	}
	return 0
}

// ptraceLimits reports whether t's tracer keeps it from getting another's rights by execve:
// one that may not trace what t would be.
func (t *Task) ptraceLimits(in *cred.UserNS) bool {
	if t.callWork.Load()&workPtrace == 0 {
		return false
	}
	procs.RLock()
	defer procs.RUnlock()
	p := &t.ptrace
	return p.by != nil && !p.cred.CapableIn(in, unix.CAP_SYS_PTRACE)
}

// lookForTracee looks for a traced thread with news for wait. The caller holds procs.
func (t *Task) lookForTracee(who WaitFor, options uint32, w *Waited) (found, any bool) {
	g := t.Group
	for i, e := range g.ptraceEnds {
		if !(who.Any || who.ID == e.w.ID || who.Job != nil && who.Job == e.job) || options&WNOTHREAD != 0 && e.by != t {
			continue
		}
		any = true
		if options&WEXITED != 0 {
			*w = e.w
			if options&WNOWAIT == 0 {
				g.ptraceEnds = slices.Delete(g.ptraceEnds, i, i+1)
			}
			return true, true
		}
	}
	for _, o := range g.tracees {
		switch {
		case options&WNOTHREAD != 0 && o.ptrace.by != t,
			who.ID != 0 && who.ID != o.pid.in(t.pid.ns),
			who.Job != nil && who.Job != o.Group.process,
			who.Group != nil && (who.Group != o.Group || o != o.Group.leader):
			continue
		}
		any = true
		if o.Group.withTracer && o == o.Group.leader {
			if options&WEXITED != 0 {
				t.report(o.Group, w)
				if options&WNOWAIT == 0 {
					o.ptraceUnlink(0)
					o.Group.withTracer = false
					o.Group.tellEnd()
				}
				return true, true
			}
			continue
		}
		if t.ptraceReport(o, options, w) {
			return true, true
		}
	}
	return false, any
}

// ptraceReport reports the stop of o that no wait has reported yet.
func (t *Task) ptraceReport(o *Task, options uint32, w *Waited) bool {
	o.Group.mu.Lock()
	defer o.Group.mu.Unlock()
	p := &o.ptrace
	if !p.stopped || p.listening || !p.news {
		return false
	}
	p.news = options&WNOWAIT != 0
	w.ID, w.UID = o.pid.in(t.pid.ns), t.Cred().User.ShowUID(o.Cred().UID)
	w.Status = WaitStatus(p.code)<<8 | 0x7f
	w.Code, w.Value = abi.CLD_TRAPPED, p.code
	w.Usage = o.ownUsage()
	return true
}
