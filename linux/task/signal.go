package task

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/trace"
	"kevlar/linux/wait"
)

// Sets of signals by what they do when nobody handles them: signal(7).
var (
	stopSignals   = abi.SigMask(unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU)
	ignoreSignals = abi.SigMask(unix.SIGCHLD, unix.SIGCONT, unix.SIGURG, unix.SIGWINCH)
	syncSignals   = abi.SigMask(unix.SIGSEGV, unix.SIGBUS, unix.SIGILL, unix.SIGTRAP, unix.SIGFPE, unix.SIGSYS)
	onlyKernel    = abi.SigMask(unix.SIGKILL, unix.SIGSTOP) // that cannot be caught, blocked or ignored
)

// Actions are the signal actions of a process, shared by clone(CLONE_SIGHAND). mu
// guards the array; it is taken after Group.mu.
type Actions struct {
	mu    sync.Mutex
	refs  atomic.Int32
	table [abi.NumSignals + 1]abi.SigAction
}

func newActions() *Actions {
	a := new(Actions)
	a.refs.Store(1)
	return a
}

func (a *Actions) get(sig unix.Signal) abi.SigAction {
	a.mu.Lock()
	act := a.table[sig]
	a.mu.Unlock()
	return act
}

func (a *Actions) copy() *Actions {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := newActions()
	n.table = a.table
	return n
}

// reset is what execve does: handlers go, ignored signals stay ignored.
func (a *Actions) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.table {
		handler := a.table[i].Handler
		a.table[i] = abi.SigAction{}
		if handler == abi.SigIgnore {
			a.table[i].Handler = abi.SigIgnore
		}
	}
}

// queued is a pending signal with its information.
type queued struct {
	info    abi.SigInfo
	next    *queued
	account *account    // whose RLIMIT_SIGPENDING it counts against, or nil
	timer   *posixTimer // whose signal it is, or nil
}

// pending are signals that were sent and not yet taken: to a thread or to a group.
// A set bit without an entry is a signal whose information was lost (SI_USER, pid 0).
type pending struct {
	set         abi.SigSet
	first, last *queued
}

func (p *pending) add(q *queued) {
	if p.last == nil {
		p.first = q
	} else {
		p.last.next = q
	}
	p.last = q
}

// take removes one instance of sig, and fills info with its information.
func (p *pending) take(sig unix.Signal, info *abi.SigInfo) {
	var found, prev *queued
	more := false
	for q, before := p.first, (*queued)(nil); q != nil; before, q = q, q.next {
		if q.info.Signo() != sig {
			continue
		}
		if found != nil {
			more = true
			break
		}
		found, prev = q, before
	}
	if !more {
		p.set &^= abi.SigMask(sig)
	}
	if found == nil {
		*info = abi.SigInfo{}
		info.SetSigno(sig)
		info.SetCode(abi.SI_USER)
		return
	}
	p.unlink(found, prev)
	*info = found.info
	if found.timer != nil {
		found.timer.taken(info)
	}
}

func (p *pending) unlink(q, prev *queued) {
	if prev == nil {
		p.first = q.next
	} else {
		prev.next = q.next
	}
	if p.last == q {
		p.last = prev
	}
	q.account.signal(-1)
	if q.timer != nil {
		q.timer.pending = false
	}
}

// drop removes all signals in set.
func (p *pending) drop(set abi.SigSet) {
	p.set &^= set
	var prev *queued
	for q := p.first; q != nil; q = q.next {
		if set.Has(q.info.Signo()) {
			p.unlink(q, prev)
		} else {
			prev = q
		}
	}
}

// next picks the signal to take from a set: those for what an instruction did come
// first, then the lowest number.
func next(set abi.SigSet) unix.Signal {
	if s := set & syncSignals; s != 0 {
		set = s
	}
	return set.First()
}

// signal says how one is sent. (What it is comes beside it: in here it would have to be allocated.)
type signal struct {
	to    *Task   // the thread that gets it; nil for the group
	by    *Task   // the task that sends it, in a system call or trap of its own; nil for others
	force bool    // from outside the PID namespace: reaches its first process too
	q     *queued // the entry to queue, where it must not fail; or nil
}

// send sends the signal of info to g, or to its thread s.to. The only error is EAGAIN: a
// real-time signal that does not fit the limit of pending ones (sigqueue(3)).
func (g *Group) send(info *abi.SigInfo, s signal) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sendLocked(info, s)
}

func (g *Group) sendLocked(info *abi.SigInfo, s signal) error {
	sig := info.Signo()
	if trace.On(trace.Signals) {
		g.traceSent(info, s)
	}
	g.beforeSend(sig)
	if g.drops(sig, s) {
		return nil
	}
	p := &g.shared
	if s.to != nil {
		p = &s.to.pending
	}
	if sig < abi.RTMin && p.set.Has(sig) {
		return nil // standard signals do not queue: signal(7)
	}
	q := s.q
	if q == nil && sig != unix.SIGKILL {
		account := g.leader.account
		fromKernel := info.Code() >= 0
		if account.signal(1) <= int64(g.limits.get(unix.RLIMIT_SIGPENDING).Cur) || (sig < abi.RTMin && fromKernel) {
			q = &queued{info: *info, account: account}
		} else {
			account.signal(-1)
			if sig >= abi.RTMin && info.Code() != abi.SI_USER {
				return unix.EAGAIN
			}
		}
	}
	if q != nil {
		p.add(q)
	}
	p.set |= abi.SigMask(sig)
	g.notify(sig, s.to, s.by)
	return nil
}

// beforeSend is what the sending of a signal does whether or not it is then ignored:
// SIGCONT ends a stop and forgets stop signals, and the other way round.
func (g *Group) beforeSend(sig unix.Signal) {
	switch {
	case stopSignals.Has(sig):
		g.dropEverywhere(abi.SigMask(unix.SIGCONT))
	case sig == unix.SIGCONT:
		g.dropEverywhere(stopSignals)
		g.resume(true)
		g.notifyTraps(nil)
	case sig == unix.SIGKILL:
		g.resume(false)
		g.stop.tell = false // the parent hears of the end instead
		if !g.exiting {
			g.endLastStops() // later nothing but the tracer does
		}
	}
}

func (g *Group) dropEverywhere(set abi.SigSet) {
	g.shared.drop(set)
	for t := g.threads; t != nil; t = t.next {
		t.pending.drop(set)
	}
}

// drops reports whether nobody will ever act on the signal.
func (g *Group) drops(sig unix.Signal, s signal) bool {
	if g.alive == 0 {
		return true
	}
	t := s.to
	if t == nil {
		t = g.leader
	}
	if (t.blocked | t.realBlocked).Has(sig) {
		return false
	}
	if t.ptrace.by != nil && sig != unix.SIGKILL {
		return false // its tracer decides
	}
	return g.ignores(sig, s.force)
}

// ignores reports whether an unblocked sig has no effect.
func (g *Group) ignores(sig unix.Signal, force bool) bool {
	handler := g.actions.get(sig).Handler
	if g.unkillable && handler == abi.SigDefault && !(force && onlyKernel.Has(sig)) {
		return true
	}
	return handler == abi.SigIgnore || handler == abi.SigDefault && ignoreSignals.Has(sig)
}

// notify wakes a thread that can take sig. by is who sends it, or nil.
func (g *Group) notify(sig unix.Signal, to, by *Task) {
	g.signalWait.Wake(wait.In)
	if sig == unix.SIGKILL {
		for t := g.threads; t != nil; t = t.next {
			t.interrupt()
			t.die() // whatever it waits for
		}
		g.cont.Broadcast()
		return
	}
	if to != nil {
		if !to.blocked.Has(sig) {
			to.interruptBy(by)
		}
		return
	}
	if l := g.leader; !l.exiting && !l.blocked.Has(sig) {
		l.interruptBy(by)
		return
	}
	for t := g.threads; t != nil; t = t.next {
		if !t.exiting && !t.blocked.Has(sig) {
			t.interruptBy(by)
			return
		}
	}
}

// interrupt gets t out of user mode or out of a sleep, so that it looks at its
// signals. The caller holds Group.mu.
func (t *Task) interrupt() { t.interruptBy(nil) }

// interruptBy is interrupt by the task by. Where that is t itself it is not in user mode: it will look before
// it enters that.
func (t *Task) interruptBy(by *Task) {
	if t.exiting {
		return
	}
	t.Waiter.Interrupt()
	if t != by {
		t.Kernel.Machine.Kick(t.Regs)
	}
}

// attention decides whether the task has something to look at before it goes on in
// user mode. The caller, who holds Group.mu, is the task itself.
func (t *Task) attention() {
	g := t.Group
	if (t.pending.set|g.shared.set)&^t.blocked != 0 || g.exiting || t.killed || t.mustStop() || g.stop.tell || t.mustTrap() {
		t.Waiter.Interrupt()
	} else {
		t.Waiter.ClearInterrupt()
	}
}

// mustStop reports whether t has to stop with its group. Its tracer may have let it go on. The
// caller holds Group.mu.
func (t *Task) mustStop() bool {
	return t.Group.stop.pending && !t.stopped && !(t.ptrace.by != nil && t.ptrace.counted)
}

// setBlocked changes the mask of blocked signals. The caller holds Group.mu. Shared
// signals that the task no longer takes go to another thread.
func (t *Task) setBlocked(mask abi.SigSet) {
	newly := mask &^ t.blocked
	t.blocked = mask &^ onlyKernel
	t.retarget(newly)
	t.attention()
}

// retarget finds other threads for shared signals in set, which t does not take now.
func (t *Task) retarget(set abi.SigSet) {
	set &= t.Group.shared.set
	for o := t.Group.threads; o != nil && set != 0; o = o.next {
		if o == t || o.exiting {
			continue
		}
		if takes := set &^ o.blocked; takes != 0 {
			o.interrupt()
			set &^= takes
		}
	}
}

// Signal sends sig to the task itself, as the kernel does for a broken pipe or a file
// that grew too large.
func (t *Task) Signal(sig unix.Signal) {
	info := abi.Kill(sig, abi.SI_USER, int32(t.Group.ID()), t.Cred().User.ShowUID(t.Cred().UID))
	t.Group.send(&info, signal{to: t, by: t})
}

// force sends the task itself a signal that it cannot put off: if it blocks or ignores
// it, its action becomes the default one.
func (t *Task) force(info *abi.SigInfo) {
	t.Group.mu.Lock()
	defer t.Group.mu.Unlock()
	t.forceLocked(info)
}

// forceLocked is force for a caller who holds Group.mu.
func (t *Task) forceLocked(info *abi.SigInfo) {
	g := t.Group
	sig := info.Signo()
	a := g.actions
	a.mu.Lock()
	blocked := t.blocked.Has(sig)
	if blocked || a.table[sig].Handler == abi.SigIgnore {
		a.table[sig] = abi.SigAction{}
	}
	if a.table[sig].Handler == abi.SigDefault {
		g.unkillable = false
	}
	a.mu.Unlock()
	if blocked {
		t.blocked &^= abi.SigMask(sig)
	}
	// A pending instance would hide this one's information.
	t.pending.drop(abi.SigMask(sig))
	g.sendLocked(info, signal{to: t, by: t, force: true, q: &queued{info: *info}})
	t.attention()
}

// forceSegv is for a program whose signal frame cannot be written or read.
func (t *Task) forceSegv(sig unix.Signal) { t.forceFatal(sig, unix.SIGSEGV) }

// forceFatal forces kill, with its default action if it is also what failed.
func (t *Task) forceFatal(sig, kill unix.Signal) {
	if sig == kill {
		g := t.Group
		g.mu.Lock()
		g.actions.mu.Lock()
		g.actions.table[sig] = abi.SigAction{}
		g.actions.mu.Unlock()
		g.mu.Unlock()
	}
	info := abi.Kernel(kill)
	t.force(&info)
}

// valid reports whether sig is a signal's number; 0, which only checks, is not.
func valid(sig unix.Signal) bool { return sig >= 1 && sig <= abi.NumSignals }

// SetAction does sigaction(2): it returns the old action and, where act is not nil,
// sets a new one. EINVAL for what is no signal, or cannot be caught.
func (t *Task) SetAction(sig unix.Signal, act *abi.SigAction) (abi.SigAction, error) {
	if !valid(sig) || act != nil && onlyKernel.Has(sig) {
		return abi.SigAction{}, unix.EINVAL
	}
	g := t.Group
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.actions
	a.mu.Lock()
	old := a.table[sig]
	if act != nil {
		a.table[sig] = *act
		a.table[sig].Mask &^= onlyKernel
		// Linux's SA_UNSUPPORTED protocol: bits that mean nothing read back as zero.
		a.table[sig].Flags &= abi.SA_NOCLDSTOP | abi.SA_NOCLDWAIT | abi.SA_SIGINFO | abi.SA_EXPOSE_TAGBITS |
			abi.SA_RESTORER | abi.SA_ONSTACK | abi.SA_RESTART | abi.SA_NODEFER | abi.SA_RESETHAND
	}
	a.mu.Unlock()
	if act != nil && (act.Handler == abi.SigIgnore || act.Handler == abi.SigDefault && ignoreSignals.Has(sig)) {
		g.dropEverywhere(abi.SigMask(sig)) // POSIX 2.4.3: also while blocked
	}
	return old, nil
}

// Blocked is the mask of blocked signals.
func (t *Task) Blocked() abi.SigSet { return t.blocked }

// SetBlocked replaces the mask of blocked signals.
func (t *Task) SetBlocked(mask abi.SigSet) {
	g := t.Group
	g.mu.Lock()
	t.setBlocked(mask)
	g.mu.Unlock()
}

// Pending are the signals that are blocked and pending: sigpending(2).
func (t *Task) Pending() abi.SigSet {
	t.Group.mu.Lock()
	defer t.Group.mu.Unlock()
	return (t.pending.set | t.Group.shared.set) & t.blocked
}

// SetTemporaryMask replaces the mask for the rest of a system call, as ppoll and
// sigsuspend do. If the call is interrupted (returns ERESTARTNOHAND) the old mask
// comes back after the handler has run; else the caller ends with RestoreMask.
func (t *Task) SetTemporaryMask(mask abi.SigSet) {
	t.saved, t.hasSaved = t.blocked, true
	t.SetBlocked(mask)
}

// RestoreMask ends SetTemporaryMask.
func (t *Task) RestoreMask() {
	if t.hasSaved {
		t.hasSaved = false
		t.SetBlocked(t.saved)
	}
}
