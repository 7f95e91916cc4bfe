// Package task owns processes and threads: their life from clone to wait, signals,
// credentials, sessions and process groups, namespaces and scheduling policy.
//
// A Task is a goroutine whose run loop enters user mode and serves what stopped it
// (run.go). Tasks that share a process are a Group. System call handlers live in
// linux/syscalls and reach this package through methods of Task.
package task

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/cred"
	"kevlar/linux/mm"
	"kevlar/linux/sched"
	"kevlar/linux/trace"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine"
)

// ID is a process, thread, process group or session ID as seen from some PID
// namespace.
type ID int32

// procs guards what ties tasks to each other: the tree of processes, the threads of
// a group, PID namespaces, process groups, sessions and controlling terminals. It is
// taken before Group.mu.
var procs sync.RWMutex

// Kernel is what all tasks of a machine share. Its exported fields are set before the
// first task starts.
type Kernel struct {
	Machine machine.Machine
	// Dispatch does the system call in t.Call.
	Dispatch func(t *Task) (uint64, error)
	// Log writes a line to the kernel log; level is as in syslog(2).
	Log func(level int, text string)
	// Stop ends the machine for reboot(2), once what was written has arrived.
	Stop func(how machine.StopKind)

	// Panics counts Go panics that killed a task: the machine ends with a failure.
	Panics atomic.Int64
	// Panicked reports such a panic, called by the goroutine that panicked: its stack
	// still shows where. Where it is nil the panic is logged.
	Panicked func(t *Task, p any)

	users    users
	initial  atomic.Pointer[PIDNamespace] // the first task's
	threads  atomic.Uint64                // how many tasks the machine has room for
	counters counters
	sched    *sched.Scheduler
	load     load
	vdso     vdso
}

// Call is a system call under way: the table's dispatch decodes it.
type Call struct {
	Number uint64
	Args   [6]uint64
}

// Task is one thread, as Linux's scheduler and gettid see it.
//
// Fields without a lock in their comment are written by the task itself only, and
// read by others only where it cannot run (before its start, after its end).
type Task struct {
	Kernel *Kernel
	Regs   *machine.Regs
	Waiter *wait.Waiter // how it blocks
	Mem    *mm.Space    // its memory: shared by CLONE_VM
	Files  *vfs.FDTable // its descriptors: shared by CLONE_FILES
	FS     *vfs.FSInfo  // root, working directory, umask: shared by CLONE_FS
	Group  *Group       // its process
	Call   Call         // the system call under way, or the last one

	// What the run loop looks at around every Enter, side by side.
	waiter      wait.Waiter    // what Waiter points to
	space       *machine.Space // Mem's: setMemory
	trap        machine.Trap   // why the program stopped last
	kernelTicks uint64         // Regs.KernelTicks, when CPU-time alarms were looked at last
	interrupted error          // the abi.ERESTART* result of the call that just ended
	hasSaved    bool           // saved is to be restored
	callWork    atomic.Uint32  // what there is to do about a system call besides the call: workSeccomp, ...

	image   atomic.Pointer[Image]
	shown   atomic.Pointer[holdings] // Mem, Files and FS for others to see
	pid     *pid                     // guarded by procs; de-threading in execve moves it
	childNS *PIDNamespace            // where its children get IDs (unshare)
	cred    atomic.Pointer[cred.Cred]
	account *account // of the real user, for RLIMIT_NPROC
	vfs     vfs.Context
	moved   vfs.IO // what vfs.IO points to
	forker  *Task  // the thread that made this process's first, for __WNOTHREAD and PDEATHSIG; guarded by procs

	// Guarded by Group.mu; the task itself may read what only it writes without it.
	pending     pending
	blocked     abi.SigSet // written by the task only
	realBlocked abi.SigSet // what blocked was before sigtimedwait opened it
	stopped     bool       // takes part in the group's stop
	ptrace      ptraced    // how it is traced
	exiting     bool       // takes no more signals
	killed      bool       // must exit alone: execve in another thread, or exit(2)

	saved      abi.SigSet // the mask to restore after sigsuspend, ppoll, ... (restoreMask)
	altStack   abi.SigStack
	restart    func(*Task) (uint64, error) // what restart_syscall does
	exitStatus WaitStatus                  // why this thread ends
	dying      chan struct{}               // closed when the thread must end, for killable waits
	vforkDone  chan struct{}               // closed when it lets go of its maker's memory; nil but after vfork
	clearTID   user.Addr                   // set_tid_address: what to clear and wake at the end; 0 for none

	sigReturn user.Addr    // code that calls rt_sigreturn, for actions that bring none
	trapCode  uint64       // machine.Trap.Code of the last fault or exception
	trapAddr  uint64       // and its address
	deathSig  atomic.Int32 // PR_SET_PDEATHSIG
	name      atomic.Pointer[string]
	scratch   []byte   // for signal frames
	io        user.IO  // see Transfer
	stat      vfs.Stat // see StatBuffer
	option    [32]byte // see OptionBuffer

	started time.Duration // on wait.Now's clock
	times   cpuTimes

	attributes // attributes.go
	futexes    futexes

	next, prev *Task // in Group.threads
	gone       bool  // has ended: its usage is in Group.usage
	released   bool
}

// Group is a thread group: what POSIX calls a process.
type Group struct {
	kernel *Kernel

	// Guarded by procs.
	pid        *pid // of the leader
	leader     *Task
	process    *ProcessGroup
	parent     atomic.Pointer[Group] // written under procs; nil for the first process of a machine
	children   *Group                // list through sibling, oldest first
	lastChild  *Group
	sibling    *Group
	prevSib    *Group
	exitSignal unix.Signal // what the parent gets: SIGCHLD but for clone
	zombie     bool        // all threads have ended; wait reports it
	withTracer bool        // to the tracer of its leader first, and then to the parent
	tracees    []*Task     // that threads of the group trace
	ptraceEnds []ptraceEnd // of threads that they traced, for wait
	reaped     bool
	execed     bool // has called execve since fork, for setpgid
	subreaper  bool // PR_SET_CHILD_SUBREAPER
	childUsage Usage
	usage      Usage // of threads that have ended

	// Threads change under procs and mu both, so either suffices to read.
	threads *Task // list through next
	alive   int   // threads that have not ended

	childWait wait.Queue // woken when a child changes state
	pidfdWait wait.Queue // woken when this process becomes a zombie

	// mu guards signals of the group and its threads. It is taken after procs and
	// before Actions.mu, wait.Queue's and Waiter's locks.
	mu         sync.Mutex
	actions    *Actions
	shared     pending
	exiting    bool // the whole group ends, with exitStatus
	exitStatus WaitStatus
	execer     *Task // the thread that execve has all others end for
	execWait   sync.Cond
	unkillable bool // first of a PID namespace: signals without a handler do not reach it
	stop       stopState
	cont       sync.Cond

	groupAttributes // attributes.go

	limits  limits
	onEnd   func(WaitStatus) // of the first process of a machine, which has no parent to tell
	started time.Duration
}

// ID is the thread's ID in its own PID namespace: gettid.
func (t *Task) ID() ID { return t.pid.local() }

// IDs are the process's and the thread's ID in the initial PID namespace.
func (t *Task) IDs() (process, thread int) {
	return int(t.Group.pid.global()), int(t.pid.global())
}

// IDIn is the thread's ID as seen from ns, 0 where it cannot be seen.
func (t *Task) IDIn(ns *PIDNamespace) ID { return t.pid.in(ns) }

// ID is the process's ID in its own PID namespace: getpid.
func (g *Group) ID() ID { return g.pid.local() }

// IDIn is the process's ID as seen from ns, 0 where it cannot be seen.
func (g *Group) IDIn(ns *PIDNamespace) ID {
	if g == nil {
		return 0
	}
	return g.pid.in(ns)
}

// Leader is the group's first thread: the one whose ID is the process's.
func (g *Group) Leader() *Task {
	procs.RLock()
	defer procs.RUnlock()
	return g.leader
}

// Parent is the parent process, nil for the first of a machine.
func (g *Group) Parent() *Group { return g.parent.Load() }

// VFS is the context for operations on files. It is valid during one system call.
func (t *Task) VFS() *vfs.Context {
	t.vfs.Files, t.vfs.FS = t.Files, t.FS // unshare and exec replace them
	return &t.vfs
}

// Of returns the task that an operation on files serves, nil for the kernel itself.
func Of(c *vfs.Context) *Task {
	t, _ := c.Task.(*Task)
	return t
}

// Cred is the task's identity. It must not be changed: see SetCred.
func (t *Task) Cred() *cred.Cred { return t.cred.Load() }

// SetCred replaces the identity of the calling task.
func (t *Task) SetCred(c *cred.Cred) {
	old := t.cred.Load()
	t.cred.Store(c)
	t.vfs.Cred = c
	if old == nil || old.UID != c.UID {
		t.account = t.Kernel.users.move(t.account, c.UID)
	}
}

// Capable reports whether the task has capability c (a unix.CAP_ constant).
func (t *Task) Capable(c int) bool { return t.Cred().Capable(c) }

// Name is the thread's name: /proc/PID/comm, PR_GET_NAME.
func (t *Task) Name() string { return *t.name.Load() }

// SetName sets the thread's name, of which 15 bytes are kept.
func (t *Task) SetName(name string) {
	if len(name) > 15 {
		name = name[:15]
	}
	t.name.Store(&name)
	if trace.Any() && t.pid != nil {
		trace.EmitName(t.traceID(), name)
	}
}

// Transfer is an IO of one range of the task's memory. It is the task's own, good until
// the next Transfer, so that a read or write allocates none.
func (t *Task) Transfer(base user.Addr, n int) *user.IO {
	t.io = user.Buffer(t.Mem, base, n)
	return &t.io
}

// StatBuffer is where attributes of a file may be put. It is the task's own, good until the next
// StatBuffer: file systems fill it, so one on the stack of a system call would have to be allocated.
func (t *Task) StatBuffer() *vfs.Stat { return &t.stat }

// OptionBuffer is for the value of a socket option, of n bytes, good until the next OptionBuffer: most values
// are small, and are the task's own for the same reason.
func (t *Task) OptionBuffer(n int) []byte {
	if n > len(t.option) {
		return make([]byte, n)
	}
	return t.option[:n]
}
