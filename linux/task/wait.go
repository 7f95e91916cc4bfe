package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/wait"
)

// WaitFor says which children a wait is for.
type WaitFor struct {
	ID    ID            // one process
	Job   *ProcessGroup // or the members of a process group
	Group *Group        // or a process known by a pidfd
	Any   bool          // or any child
}

// Waited is what a wait found.
type Waited struct {
	ID     ID // 0 if there is nothing yet, with WNOHANG
	UID    uint32
	Code   int32 // CLD_ constant
	Value  int32 // exit status or signal
	Status WaitStatus
	Usage  Usage
}

// Options of wait4 and waitid (wait(2)).
const (
	WNOHANG    = 0x1
	WSTOPPED   = 0x2
	WEXITED    = 0x4
	WCONTINUED = 0x8
	WNOWAIT    = 0x01000000
	WNOTHREAD  = 0x20000000
	WALL       = 0x40000000
	WCLONE     = 0x80000000
)

// Wait waits for a child to change state: wait4(2), waitid(2). ECHILD where there is
// no such child, ERESTARTSYS for a signal.
func (t *Task) Wait(who WaitFor, options uint32) (Waited, error) {
	var w Waited
	var err error
	look := func() bool {
		var found bool
		found, err = t.lookForChild(who, options, &w)
		return found || err != nil
	}
	if options&WNOHANG != 0 {
		look()
		return w, err
	}
	// Until looks before it gives in to a signal, which may be the child's own SIGCHLD.
	if interrupted := t.Waiter.Until(&t.Group.childWait, wait.All, wait.Forever, look); interrupted != nil {
		return w, interrupted
	}
	return w, err
}

// WaitJob finds the process group that wait means by id, the caller's own for 0. nil
// where there is none.
func (t *Task) WaitJob(id ID) *ProcessGroup {
	procs.RLock()
	defer procs.RUnlock()
	if id == 0 {
		return t.Group.process
	}
	if p := t.pid.ns.ids[id]; p != nil {
		return p.process
	}
	return nil
}

// lookForChild looks through the children once. ECHILD says that none could ever
// match.
func (t *Task) lookForChild(who WaitFor, options uint32, w *Waited) (found bool, err error) {
	procs.Lock()
	defer procs.Unlock()
	any := false
	for c := t.Group.children; c != nil; c = c.sibling {
		if !t.eligible(c, who, options) {
			continue
		}
		// A zombie leader whose threads live on will end one day, so it counts.
		any = true
		if c.withTracer {
			continue // it comes here when its tracer has waited for it
		}
		if options&WEXITED != 0 && c.zombie {
			t.report(c, w)
			if options&WNOWAIT == 0 {
				g := t.Group
				g.mu.Lock()
				g.childUsage.add(c.usage)
				g.childUsage.add(c.childUsage)
				g.mu.Unlock()
				c.reap()
			}
			return true, nil
		}
		if c.zombie {
			continue
		}
		if t.stopReport(c, options, w) {
			return true, nil
		}
	}
	found, traced := t.lookForTracee(who, options, w)
	if !found && !any && !traced {
		return false, unix.ECHILD
	}
	return found, nil
}

func (t *Task) eligible(c *Group, who WaitFor, options uint32) bool {
	switch {
	case who.Group != nil && c != who.Group,
		who.Job != nil && c.process != who.Job,
		who.ID != 0 && c.pid.in(t.pid.ns) != who.ID:
		return false
	}
	if options&WNOTHREAD != 0 && c.leader.forker != t {
		return false
	}
	if t.Group.traces(c) {
		return true
	}
	// "Clone children" are those that tell their end with another signal than SIGCHLD.
	clone := c.exitSignal != unix.SIGCHLD
	return options&WALL != 0 || clone == (options&WCLONE != 0)
}

func (t *Task) report(c *Group, w *Waited) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.ID, w.UID = c.pid.in(t.pid.ns), t.Cred().User.ShowUID(c.leader.Cred().UID)
	w.Status = c.exitStatus
	w.Code, w.Value = c.exitStatus.code()
	w.Usage = c.usage
	w.Usage.add(c.childUsage)
}

// stopReport reports a stop or continuation that no wait has reported yet.
func (t *Task) stopReport(c *Group, options uint32, w *Waited) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	keep := options&WNOWAIT != 0
	switch {
	case options&WSTOPPED != 0 && c.stop.waitStopped && !t.Group.traces(c):
		c.stop.waitStopped = keep
		w.Code, w.Value = abi.CLD_STOPPED, int32(c.stop.sig)
		w.Status = WaitStatus(c.stop.sig)<<8 | 0x7f
	case options&WCONTINUED != 0 && c.stop.waitContinued:
		c.stop.waitContinued = keep
		w.Code, w.Value = abi.CLD_CONTINUED, int32(unix.SIGCONT)
		w.Status = 0xffff
	default:
		return false
	}
	w.ID, w.UID = c.pid.in(t.pid.ns), t.Cred().User.ShowUID(c.leader.Cred().UID)
	w.Usage = c.usageNow()
	return true
}
