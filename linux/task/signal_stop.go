package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/wait"
)

// stopState is the job-control state of a group, guarded by Group.mu.
type stopState struct {
	pending  bool        // threads are to stop, or have: until SIGCONT or SIGKILL
	stopped  bool        // all have
	left     int         // threads that have yet to stop
	sig      unix.Signal // what stopped them
	dequeued bool        // a stop signal was taken and no SIGCONT came since
	tell     bool        // SIGCONT ended a stop: some thread must tell the parent

	waitStopped   bool // wait has not reported the stop yet
	waitContinued bool // wait has not reported the continuation yet
}

// defaultStop acts on a stop signal without a handler. The caller holds Group.mu, which
// this lets go of for a while.
func (t *Task) defaultStop(sig unix.Signal) {
	g := t.Group
	if sig != unix.SIGSTOP {
		// A job that nobody could continue does not stop: POSIX 2.4.3.
		g.mu.Unlock()
		procs.RLock()
		orphaned := g.process.orphaned(nil)
		procs.RUnlock()
		g.mu.Lock()
		if orphaned {
			return
		}
	}
	if !g.stop.dequeued || g.exiting || g.shared.set.Has(unix.SIGKILL) {
		return // SIGCONT or SIGKILL came in between
	}
	if !g.stop.pending {
		g.stop = stopState{pending: true, sig: sig, dequeued: true}
		for o := g.threads; o != nil; o = o.next {
			o.ptrace.counted = o.exiting || o.stopped
			if !o.ptrace.counted {
				g.stop.left++
				if o != t {
					o.interrupt()
				}
			}
		}
		g.notifyTraps(t)
	}
	t.joinStop()
}

// joinStop stops the task with its group, until SIGCONT, SIGKILL or the group's end.
// One that is traced stops for its tracer instead. The caller holds Group.mu, which this
// lets go of for a while.
func (t *Task) joinStop() {
	g := t.Group
	traced := t.ptrace.by != nil
	t.stopped = !traced
	defer func() { t.stopped = false }()
	if !t.ptrace.counted {
		t.ptrace.counted = true
		if traced {
			t.ptrace.trapStop, t.ptrace.stopSig = true, g.stop.sig
		}
		g.leftStop()
	}
	if traced {
		return
	}
	t.withdraw()
	for g.stop.pending && !g.exiting && !t.killed && t.ptrace.by == nil {
		g.cont.Wait()
	}
}

// leftStop counts a thread that has stopped, or ended instead. The last one makes the
// group stopped, which its parent is told. The caller holds Group.mu, which this lets
// go of for a while.
func (g *Group) leftStop() {
	if g.stop.left--; g.stop.left > 0 || g.stop.stopped {
		return
	}
	g.stop.stopped, g.stop.waitStopped, g.stop.waitContinued = true, true, false
	sig := g.stop.sig
	g.mu.Unlock()
	g.tellParent(abi.CLD_STOPPED, int32(sig))
	g.mu.Lock()
}

// resume ends a stop, by SIGCONT or for SIGKILL. The caller holds Group.mu.
func (g *Group) resume(cont bool) {
	g.stop.dequeued = false
	if !g.stop.pending {
		return
	}
	if cont {
		// A stop that was not complete is as if it had not been, but the parent hears
		// that the process goes on all the same.
		g.stop.tell = true
		g.stop.waitContinued = true
	}
	g.stop.pending, g.stop.stopped, g.stop.waitStopped = false, false, false
	g.cont.Broadcast()
	if g.stop.tell {
		for t := g.threads; t != nil; t = t.next {
			if !t.exiting {
				t.interrupt()
				break
			}
		}
	}
}

// tellParent sends SIGCHLD for a stop or continuation and wakes the parent's waits.
// The caller holds no locks.
func (g *Group) tellParent(code int32, sig int32) {
	procs.RLock()
	defer procs.RUnlock()
	parent := g.parent.Load()
	if parent == nil || g.zombie || code == abi.CLD_STOPPED && parent.traces(g) {
		return // a tracer hears of its own stops
	}
	act := parent.actions.get(unix.SIGCHLD)
	if act.Handler != abi.SigIgnore && act.Flags&abi.SA_NOCLDSTOP == 0 {
		info := g.childInfo(parent, code, sig)
		parent.send(&info, signal{})
	}
	parent.childWait.Wake(wait.All)
}
