package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/futex"
	"kevlar/linux/trace"
	"kevlar/linux/user"
	"kevlar/linux/wait"
)

// WaitStatus is how a process ended, as wait(2) encodes it: an exit status in bits 8 to
// 15, or a signal in bits 0 to 6 with coreFlag.
type WaitStatus uint32

const coreFlag WaitStatus = 0x80

// Exited is the status of a process that called exit.
func Exited(code int) WaitStatus { return WaitStatus(code&0xff) << 8 }

// code and value are what siginfo_t says of the status.
func (s WaitStatus) code() (code int32, value int32) {
	switch {
	case s&0x7f == 0:
		return abi.CLD_EXITED, int32(s >> 8)
	case s&coreFlag != 0:
		return abi.CLD_DUMPED, int32(s & 0x7f)
	}
	return abi.CLD_KILLED, int32(s & 0x7f)
}

// Exit makes the calling thread end when its system call returns: exit(2).
func (t *Task) Exit(code int) {
	g := t.Group
	g.mu.Lock()
	defer g.mu.Unlock()
	t.exitStatus = Exited(code)
	t.killed = true
	t.attention()
}

// ExitGroup makes the whole process end: exit_group(2).
func (t *Task) ExitGroup(code int) {
	g := t.Group
	g.mu.Lock()
	defer g.mu.Unlock()
	g.beginExit(Exited(code))
	t.attention()
}

// beginExit makes all threads end with a status, unless they already do. The caller
// holds Group.mu.
func (g *Group) beginExit(status WaitStatus) {
	if g.exiting {
		return
	}
	g.exiting, g.exitStatus = true, status
	g.stop.pending, g.stop.stopped = false, false
	for t := g.threads; t != nil; t = t.next {
		t.interrupt()
		t.die()
	}
	g.endLastStops()
	g.execWait.Broadcast()
}

// die ends the thread's killable waits. The caller holds Group.mu.
func (t *Task) die() {
	select {
	case <-t.dying:
	default:
		close(t.dying)
	}
}

// exitSignals makes t take no more signals: shared ones go to other threads.
func (t *Task) exitSignals() {
	g := t.Group
	g.mu.Lock()
	defer g.mu.Unlock()
	t.exiting = true
	t.die()
	t.retarget(^t.blocked)
	t.blocked = ^abi.SigSet(0)
	t.Waiter.ClearInterrupt() // what exit does must not be interrupted
	if g.stop.pending && !t.ptrace.counted {
		t.ptrace.counted = true
		g.leftStop()
	}
}

// SetClearTID is set_tid_address(2): the word at a is cleared, and a waiter on it
// woken, when the thread ends while others share its memory.
func (t *Task) SetClearTID(a user.Addr) { t.clearTID = a }

// letGo lets go of what the thread has or shares, but for its place among the tasks.
func (t *Task) letGo() {
	t.hide()
	t.leaveMemory()
	t.leaveIPC()
	if t.Files != nil {
		t.Files.Unref(t.VFS())
	}
	if t.FS != nil {
		t.FS.Unref()
	}
}

// leaveMemory lets go of the address space: at the end, and where execve makes a new
// one. A thread tells those that share it (set_tid_address(2)), a child of vfork its
// maker.
func (t *Task) leaveMemory() {
	if t.Mem != nil {
		t.releaseFutexes()
		t.times.maxRSS.Store(max(t.times.maxRSS.Load(), t.Mem.PeakResident()))
		if t.clearTID != 0 && t.Mem.Shared() {
			t.CopyOut(t.clearTID, make([]byte, 4))
			if key, err := t.Mem.FutexKey(t.clearTID, true); err == nil {
				futex.Wake(key, 1, futex.AnyBit)
			}
		}
		t.Mem.Release()
	}
	t.setImage(nil)
	if t.vforkDone != nil {
		close(t.vforkDone)
		t.vforkDone = nil
	}
}

// exitTree takes the thread out of its group and, if it is the last, makes the process
// a zombie or frees it.
func (t *Task) exitTree() {
	g := t.Group
	procs.Lock()
	g.mu.Lock()
	g.alive--
	t.gone = true
	t.Kernel.counters.ended(t.ownUsage())
	g.usage.add(t.ownUsage()) // and not again through the list of threads
	last := g.alive == 0
	if last {
		if !g.exiting {
			g.exiting = true
			g.exitStatus = g.leader.exitStatus
			if t == g.leader {
				g.exitStatus = t.exitStatus
			}
		}
	}
	if g.execer != nil {
		g.execWait.Broadcast()
	}
	g.mu.Unlock()
	if trace.Any() {
		t.traceDeath(last)
	}
	t.parentDeath()
	t.ptraceEnd()
	if t != g.leader {
		g.remove(t)
		t.release()
	}
	if last {
		if tt := g.abandonTerminal(); tt != nil {
			procs.Unlock()
			tt.Disconnect()
			procs.Lock()
		}
		t.endGroup()
	}
	procs.Unlock()
}

// parentDeath sends PR_SET_PDEATHSIG to the processes that t made. The caller holds
// procs.
func (t *Task) parentDeath() {
	for c := t.Group.children; c != nil; c = c.sibling {
		if c.leader.forker != t {
			continue
		}
		for o := c.threads; o != nil; o = o.next {
			if sig := unix.Signal(o.deathSig.Load()); sig != 0 {
				info := abi.Kill(sig, abi.SI_USER, int32(t.Group.pid.in(c.pid.ns)), c.uidOf(t))
				c.send(&info, signal{})
			}
		}
	}
}

// endGroup is the end of a process whose last thread has ended. The caller holds procs.
func (t *Task) endGroup() {
	g := t.Group
	ns := g.pid.ns
	if ns.reaper == g {
		ns.endAll(g)
	}
	g.endTimers()
	g.abandonChildren()
	g.leaveSession()
	g.zombie = true
	g.pid.done.Store(true)
	g.pid.wait.Wake(wait.In | wait.RdNorm)
	g.endSharing()
	g.tellEnd()
}

// tellEnd tells the parent that g is a zombie, or frees it where the parent does not
// want to know. The caller holds procs.
func (g *Group) tellEnd() {
	parent := g.parent.Load()
	if parent == nil {
		if g.onEnd != nil {
			g.onEnd(g.exitStatus)
		}
		g.reap()
		return
	}
	code, value := g.exitStatus.code()
	if by := g.leader.ptrace.by; by != nil && by.Group != parent {
		if by.Group.tellTracerEnd(g.leader, code, value) {
			g.withTracer = true
			by.Group.childWait.Wake(wait.All)
			return
		}
		g.leader.ptraceUnlink(0)
	}
	auto := false
	if sig := g.exitSignal; sig != 0 {
		if sig == unix.SIGCHLD {
			act := parent.actions.get(sig)
			auto = act.Handler == abi.SigIgnore || act.Flags&abi.SA_NOCLDWAIT != 0
			if act.Handler == abi.SigIgnore {
				sig = 0
			}
		}
		if sig != 0 {
			info := g.childInfo(parent, code, value)
			info.SetSigno(sig)
			parent.send(&info, signal{})
		}
	}
	if auto {
		g.reap()
	}
	parent.childWait.Wake(wait.All)
}

// childInfo is what a parent learns of g in siginfo_t. The caller holds procs.
func (g *Group) childInfo(parent *Group, code, value int32) abi.SigInfo {
	u := g.usage
	return abi.Child(code, int32(g.pid.in(parent.pid.ns)), parent.uidOf(g.leader), value, ticks(u.User), ticks(u.System))
}

// abandonChildren gives g's children to the nearest subreaper, or to the first
// process of the PID namespace. The caller holds procs.
func (g *Group) abandonChildren() {
	for g.children != nil {
		c := g.children
		g.removeChild(c)
		to := g.newParent()
		if to == nil {
			c.parent.Store(nil)
			if c.zombie {
				c.reap()
			}
			continue
		}
		// A job that loses its last link to a parent outside is orphaned: if a member is
		// stopped, POSIX wants it to be told (3.11.1 of exit's consequences).
		before := c.process
		wasOrphaned := before.orphaned(nil)
		to.addChild(c)
		c.leader.forker = to.leader
		c.exitSignal = unix.SIGCHLD
		if !wasOrphaned && before.orphaned(nil) {
			before.tellOrphaned()
		}
		if c.zombie && !c.withTracer {
			c.tellEnd()
		}
	}
}

// newParent is who adopts g's children.
func (g *Group) newParent() *Group {
	for p := g.parent.Load(); p != nil && p.pid.ns == g.pid.ns; p = p.parent.Load() {
		if p.subreaper && p.alive > 0 {
			return p
		}
	}
	if r := g.pid.ns.reaper; r != g && r != nil && r.alive > 0 {
		return r
	}
	return nil
}

// endAll kills everybody in a PID namespace whose first process ends, and makes no
// more tasks possible in it (pid_namespaces(7)). The caller holds procs.
func (ns *PIDNamespace) endAll(first *Group) {
	ns.ended = true
	ns.reaper = nil
	for _, p := range ns.ids {
		if g := p.group; g != nil && g != first && !g.zombie {
			info := abi.Kernel(unix.SIGKILL)
			g.send(&info, signal{force: true})
		}
	}
}

// addChild and removeChild keep the list of children; the caller holds procs.
func (g *Group) addChild(c *Group) {
	c.parent.Store(g)
	c.sibling, c.prevSib = nil, g.lastChild
	if g.lastChild == nil {
		g.children = c
	} else {
		g.lastChild.sibling = c
	}
	g.lastChild = c
}

func (g *Group) removeChild(c *Group) {
	if c.prevSib == nil {
		g.children = c.sibling
	} else {
		c.prevSib.sibling = c.sibling
	}
	if c.sibling == nil {
		g.lastChild = c.prevSib
	} else {
		c.sibling.prevSib = c.prevSib
	}
	c.sibling, c.prevSib = nil, nil
}

// add and remove keep the list of threads; the caller holds procs.
func (g *Group) add(t *Task) {
	g.mu.Lock()
	defer g.mu.Unlock()
	last := &g.threads
	for *last != nil {
		t.prev = *last
		last = &(*last).next
	}
	*last = t
	g.alive++
}

func (g *Group) remove(t *Task) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.prev == nil {
		g.threads = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.next, t.prev = nil, nil
	t.pending.drop(^abi.SigSet(0))
}

// release gives back the ID of a thread that has ended. The caller holds procs.
func (t *Task) release() {
	if t.released {
		return
	}
	t.released = true
	if t.pid.task == t {
		t.pid.task = nil
		t.pid.free()
	}
	t.Kernel.users.leave(t.account)
}

// reap frees a zombie. The caller holds procs.
func (g *Group) reap() {
	if g.reaped {
		return
	}
	g.reaped = true
	if parent := g.parent.Load(); parent != nil {
		parent.removeChild(g)
	}
	g.process.leave(g)
	g.mu.Lock()
	g.shared.drop(^abi.SigSet(0))
	g.mu.Unlock()
	leader := g.leader
	leader.ptraceUnlink(0)
	g.remove(leader)
	g.pid.group = nil
	leader.release()
	g.pid.free()
}

// endSharing lets go of what a process shares until it has ended.
func (g *Group) endSharing() { g.actions.refs.Add(-1) }

// Killed reports whether the task must end as soon as it can.
func (t *Task) Killed() bool {
	select {
	case <-t.dying:
		return true
	default:
		return false
	}
}
