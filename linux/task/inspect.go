package task

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/mm"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// What others may see of a task: procfs and the like. Everything here may be called
// from any goroutine.

// holdings are what a task shares out: its memory, descriptors and view of the file tree,
// nil where it has none. The task publishes them with show whenever they change.
type holdings struct {
	mem   *mm.Space
	files *vfs.FDTable
	fs    *vfs.FSInfo
}

// show publishes what the task has now.
func (t *Task) show() { t.shown.Store(&holdings{t.Mem, t.Files, t.FS}) }

// hide publishes that the task has nothing any more: before it lets go of it.
func (t *Task) hide() { t.shown.Store(&holdings{}) }

// SetFiles and SetFS give the calling task another table of descriptors or view of the
// file tree: unshare(2), setns(2). The task's reference to the old one is the caller's.
func (t *Task) SetFiles(files *vfs.FDTable) { t.Files = files; t.show() }
func (t *Task) SetFS(fs *vfs.FSInfo)        { t.FS = fs; t.show() }

// SeenMem is the task's memory with a reference for the caller, who ends with Release;
// nil once it has none.
func (t *Task) SeenMem() *mm.Space {
	if h := t.shown.Load(); h != nil && h.mem != nil && h.mem.TryRetain() {
		return h.mem
	}
	return nil
}

// SeenFiles and SeenFS are the task's descriptors and view of the file tree, nil once it
// has none. They are empty once the task has let go of them.
func (t *Task) SeenFiles() *vfs.FDTable {
	if h := t.shown.Load(); h != nil {
		return h.files
	}
	return nil
}

func (t *Task) SeenFS() *vfs.FSInfo {
	if h := t.shown.Load(); h != nil {
		return h.fs
	}
	return nil
}

// State is what a task does, as a letter of ps(1).
type State byte

const (
	Running  State = 'R'
	Sleeping State = 'S'
	Blocked  State = 'D' // asleep where only the end reaches it
	Stopped  State = 'T'
	Traced   State = 't' // stopped for its tracer
	Zombie   State = 'Z'
)

// State is what the task does now.
func (t *Task) State() State {
	t.Group.mu.Lock()
	gone, stopped, traced := t.gone, t.stopped, t.ptrace.stopped
	t.Group.mu.Unlock()
	switch {
	case gone:
		return Zombie
	case stopped:
		return Stopped
	case traced:
		return Traced
	}
	switch t.Waiter.Asleep() {
	case wait.Interruptible:
		return Sleeping
	case wait.Uninterruptible:
		return Blocked
	}
	return Running
}

// SignalState is where signals to a thread stand.
type SignalState struct {
	Pending, Shared           abi.SigSet // of the thread, of its process
	Blocked, Ignored, Handled abi.SigSet
	Queued                    int64 // signals of its user that are queued
}

// SignalState is where the thread's signals stand.
func (t *Task) SignalState() (s SignalState) {
	g := t.Group
	g.mu.Lock()
	s.Pending, s.Shared, s.Blocked = t.pending.set, g.shared.set, t.blocked
	actions := g.actions
	g.mu.Unlock()
	actions.mu.Lock()
	for sig := unix.Signal(1); sig <= abi.NumSignals; sig++ {
		switch actions.table[sig].Handler {
		case abi.SigDefault:
		case abi.SigIgnore:
			s.Ignored |= abi.SigMask(sig)
		default:
			s.Handled |= abi.SigMask(sig)
		}
	}
	actions.mu.Unlock()
	s.Queued = t.Kernel.users.queued(t.Cred().UID)
	return s
}

// queued is how many signals of a user are queued.
func (u *users) queued(uid uint32) int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if a := u.byUID[uid]; a != nil {
		return a.signalled.Load()
	}
	return 0
}

// Identity is a thread's IDs and its process's, in the namespace that asks and in those
// below it that the thread has been made in, outermost first. Parent and Exit are the
// parent process and the signal that it gets at the end.
type Identity struct {
	Thread, Process, Job, Session []ID
	Parent                        ID
	Exit                          unix.Signal
	Threads                       int
	Leader                        bool
}

// Identity is the task's identity as seen from ns.
func (t *Task) Identity(ns *PIDNamespace) (id Identity) {
	procs.RLock()
	defer procs.RUnlock()
	g := t.Group
	id.Thread, id.Process = t.pid.from(ns), g.pid.from(ns)
	id.Job, id.Session = g.process.pid.from(ns), g.process.session.pid.from(ns)
	id.Parent = g.parent.Load().IDIn(ns)
	id.Leader, id.Exit = g.leader == t, g.exitSignal
	id.Threads = len(g.list())
	return id
}

// from is the IDs as seen from ns and from the namespaces below it.
func (p *pid) from(ns *PIDNamespace) []ID {
	if p.in(ns) == 0 {
		return []ID{0}
	}
	return p.numbers[ns.level:]
}

// Number is the inode number that stands for the namespace in /proc/PID/ns: the first's is
// Linux's.
func (ns *PIDNamespace) Number() uint64 {
	if ns.parent == nil {
		return 0xeffffffc
	}
	return 0xf3000000 + ns.id
}

// ChildNamespace is where the task's children get their IDs.
func (t *Task) ChildNamespace() *PIDNamespace {
	procs.RLock()
	defer procs.RUnlock()
	return t.childNS
}

// Children are the processes that the thread has made and that have not been waited for.
func (t *Task) Children() (all []*Group) {
	procs.RLock()
	defer procs.RUnlock()
	for c := t.Group.children; c != nil; c = c.sibling {
		if c.leader.forker == t {
			all = append(all, c)
		}
	}
	return all
}

// Status is how the process ends, as wait(2) encodes it; 0 before that.
func (g *Group) Status() WaitStatus {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.exiting {
		return g.exitStatus
	}
	return 0
}

// Execed reports whether the process has called execve since it was made.
func (g *Group) Execed() bool {
	procs.RLock()
	defer procs.RUnlock()
	return g.execed
}

// Started is when the thread was made, on wait.Now's clock.
func (t *Task) Started() time.Duration { return t.started }

// Used is what the thread has used, but for the system call it is in.
func (t *Task) Used() Usage { return t.ownUsage() }

// MayInspect reports whether t may read what o's owner alone may: MayAccess by the
// identity for files (PTRACE_MODE_READ_FSCREDS). A nil t is the kernel.
func (t *Task) MayInspect(o *Task) bool { return t == nil || t.MayAccess(o, false) == nil }

// counters are sums over all tasks of a machine, those that have ended.
type counters struct {
	made     atomic.Int64 // tasks
	user     atomic.Int64 // nanoseconds
	system   atomic.Int64
	switches atomic.Int64
	minor    atomic.Int64
	major    atomic.Int64
}

// ended counts what a task that ends has used.
func (c *counters) ended(u Usage) {
	c.user.Add(int64(u.User))
	c.system.Add(int64(u.System))
	c.switches.Add(u.Voluntary + u.Preempted)
	c.minor.Add(u.MinorFaults)
	c.major.Add(u.MajorFaults)
}

// Totals are sums over all tasks that a machine has and has had.
type Totals struct {
	Made             int64 // tasks since boot
	Running, Blocked int   // now
	Tasks            int
	Usage
}

// Totals adds up what the machine's tasks have done.
func (k *Kernel) Totals() (sum Totals) {
	for _, t := range k.All() {
		switch t.State() {
		case Running:
			sum.Running++
		case Blocked:
			sum.Blocked++
		case Zombie:
			continue // among those that have ended
		}
		sum.Tasks++
		sum.Usage.add(t.ownUsage())
	}
	c := &k.counters
	sum.Made = c.made.Load()
	sum.User += time.Duration(c.user.Load())
	sum.System += time.Duration(c.system.Load())
	sum.Voluntary += c.switches.Load()
	sum.MinorFaults += c.minor.Load()
	sum.MajorFaults += c.major.Load()
	return sum
}

// All lists the machine's tasks.
func (k *Kernel) All() (all []*Task) {
	ns := k.PIDNamespace()
	if ns == nil {
		return nil
	}
	procs.RLock()
	defer procs.RUnlock()
	for _, p := range ns.ids {
		if p.task != nil {
			all = append(all, p.task)
		}
	}
	return all
}

// MaxThreads is how many tasks the machine has room for: /proc/sys/kernel/threads-max.
func (k *Kernel) MaxThreads() uint64 { return k.threads.Load() }

// MaxID is one more than the largest ID that the namespace gives: /proc/sys/kernel/pid_max.
func (ns *PIDNamespace) MaxID() ID {
	procs.RLock()
	defer procs.RUnlock()
	return ns.max
}

// SetMaxID changes it. EINVAL outside of the bounds that Linux has.
func (ns *PIDNamespace) SetMaxID(max ID) error {
	if max < 301 || max > maxPID {
		return unix.EINVAL
	}
	procs.Lock()
	defer procs.Unlock()
	ns.max = max
	return nil
}

// PIDNamespace is the machine's first namespace, nil before its first task.
func (k *Kernel) PIDNamespace() *PIDNamespace { return k.initial.Load() }
