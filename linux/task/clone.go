package task

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/cred"
	"kevlar/linux/sched"
	"kevlar/linux/trace"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
	"kevlar/machine"
	"kevlar/machine/mem"
)

// CloneArgs is what clone3(2) takes; clone, fork and vfork fill it in.
type CloneArgs struct {
	Flags      uint64
	PidFD      user.Addr
	ChildTID   user.Addr
	ParentTID  user.Addr
	ExitSignal unix.Signal
	Stack      user.Addr // lowest byte; 0 for the caller's own stack
	StackSize  uint64
	TLS        uint64
	SetTID     []ID // wanted IDs, innermost PID namespace first

	id *cred.Cred // who the new task is: Clone's business
}

// cloneUnsupported are namespaces that are not made here: EINVAL, as on a kernel that
// is built without them.
const cloneUnsupported = unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP | unix.CLONE_NEWTIME |
	unix.CLONE_INTO_CGROUP

// check finds combinations of flags that make no sense: clone(2), "ERRORS".
func (a *CloneArgs) check(t *Task) error {
	has := func(bits uint64) bool { return a.Flags&bits != 0 }
	switch {
	case has(cloneUnsupported),
		has(unix.CLONE_NEWNS|unix.CLONE_NEWUSER) && has(unix.CLONE_FS),
		has(unix.CLONE_THREAD) && !has(unix.CLONE_SIGHAND),
		has(unix.CLONE_SIGHAND) && !has(unix.CLONE_VM),
		has(unix.CLONE_SIGHAND) && has(unix.CLONE_CLEAR_SIGHAND),
		has(unix.CLONE_THREAD) && has(unix.CLONE_NEWPID|unix.CLONE_NEWUSER),
		has(unix.CLONE_THREAD) && t.childNS != t.pid.ns,
		has(unix.CLONE_PARENT) && t.Group.unkillable,
		has(unix.CLONE_PIDFD) && has(unix.CLONE_DETACHED|unix.CLONE_THREAD),
		a.ExitSignal < 0 || a.ExitSignal > abi.NumSignals:
		return unix.EINVAL
	}
	var err error
	a.id, err = t.identityFor(a.Flags)
	return err
}

// Clone makes a task: a thread of the caller's process with CLONE_THREAD, else a
// process. It returns the ID that the caller sees.
func (t *Task) Clone(a *CloneArgs) (ID, error) {
	if err := a.check(t); err != nil {
		return 0, err
	}
	c := t.newThread(a)
	if err := t.share(c, a); err != nil {
		return 0, err
	}
	if err := c.makeNamespaces(a.Flags, a.id); err != nil {
		c.letGo()
		return 0, err
	}
	if a.Flags&unix.CLONE_THREAD != 0 {
		c.Group = t.Group
	} else {
		c.Group = t.newGroup(c, a)
		if a.Flags&unix.CLONE_VM == 0 {
			c.Mem.SetLimits(c.Group)
		}
	}
	pidfd, err := t.reservePIDFD(a)
	if err != nil {
		c.letGo()
		return 0, err
	}
	if err := t.publish(c, a); err != nil {
		if pidfd >= 0 {
			t.Files.Abandon(pidfd)
		}
		c.letGo()
		return 0, err
	}
	if a.Flags&unix.CLONE_VM == 0 {
		c.Mem.SetOwner(int32(c.Group.pid.global()))
	}
	if pidfd >= 0 {
		t.Files.Fill(pidfd, c.Group.pid.file(0))
	}
	id := c.pid.in(t.pid.ns)
	// A fault in these is the program's loss: clone(2) has no error for it.
	if a.Flags&unix.CLONE_PARENT_SETTID != 0 {
		t.CopyOut(a.ParentTID, le.AppendUint32(nil, uint32(id)))
	}
	if a.Flags&unix.CLONE_CHILD_SETTID != 0 {
		c.CopyOut(a.ChildTID, le.AppendUint32(nil, uint32(c.pid.local())))
	}
	var done chan struct{}
	if a.Flags&unix.CLONE_VFORK != 0 {
		done = make(chan struct{})
		c.vforkDone = done
	}
	if trace.Any() {
		c.traceBirth(t)
	}
	event := t.ptraceChild(c, a)
	c.Start()
	t.ptraceMade(event, id)
	if done != nil {
		t.Waiter.Block(func() {
			select {
			case <-done:
			case <-t.dying:
			}
		})
		t.ptraceVforkDone(id)
	}
	return id, nil
}

// share gives c what t has, shared or as a copy. After an error c has nothing.
func (t *Task) share(c *Task, a *CloneArgs) error {
	if a.Flags&unix.CLONE_VM != 0 {
		t.Mem.Retain()
		c.setMemory(t.Mem)
	} else {
		space, err := t.Mem.Fork()
		if err != nil {
			return err
		}
		c.setMemory(space)
	}
	c.image.Store(t.Image().retain())
	if a.Flags&unix.CLONE_FS != 0 {
		t.FS.Ref()
		c.FS = t.FS
	} else {
		c.FS = t.FS.Copy()
	}
	if a.Flags&unix.CLONE_FILES != 0 {
		t.Files.Ref()
		c.Files = t.Files
	} else {
		c.Files = t.Files.Fork()
	}
	c.shareIPC(t, a.Flags)
	return nil
}

// Start begins the life of a task that others see already.
func (t *Task) Start() {
	t.show()
	go t.run()
}

// newThread makes a task that is like t as far as clone copies a thread, with
// registers of its own. It shares nothing yet and nobody sees it.
func (t *Task) newThread(a *CloneArgs) *Task {
	k := t.Kernel
	k.Machine.SaveFP(t.Regs)
	c := &Task{
		Kernel: k, Regs: t.Regs.Clone(),
		blocked: t.blocked, dying: make(chan struct{}), childNS: t.childNS,
		sigReturn: t.sigReturn, started: wait.Now(),
	}
	c.Waiter = c.waiter.Init()
	c.vfs.Waiter, c.vfs.Task, c.vfs.IO = c.Waiter, c, &c.moved
	c.name.Store(t.name.Load())
	c.inherit(t, a.Flags)
	c.compete()
	c.Regs.SetReturn(0)
	if a.Stack != 0 {
		c.Regs.SetStackPtr(uint64(a.Stack) + a.StackSize)
	}
	if a.Flags&unix.CLONE_SETTLS != 0 {
		c.Regs.SetTLS(a.TLS)
	}
	// The alternate stack is in memory that a thread shares with its maker, who may
	// need it; after vfork the maker waits (sigaltstack(2), "NOTES").
	if a.Flags&unix.CLONE_VM == 0 || a.Flags&unix.CLONE_VFORK != 0 {
		c.altStack = t.altStack
	}
	if a.Flags&unix.CLONE_CHILD_CLEARTID != 0 {
		c.clearTID = a.ChildTID
	}
	return c
}

// newGroup makes a process for the task c, a child of t's.
func (t *Task) newGroup(c *Task, a *CloneArgs) *Group {
	p := t.Group
	g := &Group{kernel: t.Kernel, leader: c, exitSignal: a.ExitSignal, started: c.started}
	g.cont.L, g.execWait.L = &g.mu, &g.mu
	g.groupAttributes.inherit(&p.groupAttributes)
	p.mu.Lock()
	if a.Flags&unix.CLONE_SIGHAND != 0 {
		p.actions.refs.Add(1)
		g.actions = p.actions
	} else {
		g.actions = p.actions.copy()
		if a.Flags&unix.CLONE_CLEAR_SIGHAND != 0 {
			g.actions.reset()
		}
	}
	p.mu.Unlock()
	p.limits.mu.Lock()
	defer p.limits.mu.Unlock()
	g.limits.table = p.limits.table
	g.armCPULimit()
	return g
}

// publish gives c its ID and its place among the tasks. EAGAIN over RLIMIT_NPROC,
// ERESTARTNOINTR while t has a signal to take: one that was sent to t's process or its
// job must not miss the new member.
func (t *Task) publish(c *Task, a *CloneArgs) error {
	c.SetCred(a.id)
	if c.account.tasks.Load() > int64(min(t.Limit(unix.RLIMIT_NPROC), 1<<62)) && t.Cred().UID != 0 &&
		!t.Capable(unix.CAP_SYS_ADMIN) && !t.Capable(unix.CAP_SYS_RESOURCE) {
		t.Kernel.users.leave(c.account)
		return unix.EAGAIN
	}
	procs.Lock()
	defer procs.Unlock()
	err := t.publishLocked(c, a)
	if err != nil {
		t.Kernel.users.leave(c.account)
	}
	return err
}

func (t *Task) publishLocked(c *Task, a *CloneArgs) error {
	g := t.Group
	if t.mustLook() {
		return abi.ERESTARTNOINTR
	}
	ns := t.childNS
	if a.Flags&unix.CLONE_NEWPID != 0 {
		var err error
		if ns, err = ns.newBelow(a.id); err != nil {
			return err
		}
	}
	p, err := newPIDAt(ns, a.SetTID)
	if err != nil {
		return err
	}
	p.task, c.pid, c.childNS = c, p, ns
	c.Waiter.ID.Store(int32(p.global()))
	t.Kernel.counters.made.Add(1)
	if c.Group == g {
		c.forker = g.leader.forker
		g.add(c)
		return nil
	}
	n := c.Group
	n.pid, p.group = p, n
	n.add(c)
	parent, forker := g, t
	if a.Flags&unix.CLONE_PARENT != 0 {
		parent, forker = g.parent.Load(), g.leader.forker
		n.exitSignal = g.exitSignal
	}
	c.forker = forker
	if ns.reaper == nil {
		ns.reaper, n.unkillable = n, true
	}
	parent.addChild(n)
	n.join(g.process)
	return nil
}

// mustLook reports whether t has something to look at before it may make a task, and
// sees to it that it does.
func (t *Task) mustLook() bool {
	g := t.Group
	g.mu.Lock()
	defer g.mu.Unlock()
	t.attention()
	return t.Waiter.Interrupted() || g.execer != nil
}

// newPIDAt is newPID with wanted IDs for the innermost namespaces: clone3's set_tid.
// The caller holds procs.
func newPIDAt(ns *PIDNamespace, want []ID) (*pid, error) {
	if len(want) > ns.level+1 {
		return nil, unix.EINVAL
	}
	n := ns
	for _, id := range want {
		if id < 1 || id >= n.max || id != 1 && n.reaper == nil {
			return nil, unix.EINVAL
		}
		if n.ids[id] != nil {
			return nil, unix.EEXIST
		}
		n = n.parent
	}
	last := make([]ID, len(want))
	n = ns
	for i, id := range want {
		last[i], n.last = n.last, id-1
		n = n.parent
	}
	p, err := newPID(ns)
	n = ns
	for i := range want {
		n.last = last[i]
		n = n.parent
	}
	return p, err
}

// NewFirst makes the first task of a machine, which has no parent and leads a session.
// It has the files and the view of the file tree that are given; Exec gives it a
// program, Start sets it off. onEnd is called, with locks held, when its process ends.
func (k *Kernel) NewFirst(files *vfs.FDTable, fs *vfs.FSInfo, onEnd func(WaitStatus)) *Task {
	frames := uint64(mem.Usage().Total)
	// Linux allows as many threads as an eighth of memory has room for their stacks.
	t := k.newFirst("init", min(max(frames/8/4, 20), 1<<21), onEnd)
	t.Files, t.FS = files, fs
	return t
}

// newFirst makes the first task of a machine, which has no parent and leads a session.
// onEnd is called, with locks held, when its process ends.
func (k *Kernel) newFirst(name string, threads uint64, onEnd func(WaitStatus)) *Task {
	ns := newPIDNamespace(nil)
	t := &Task{
		Kernel: k, Regs: machine.NewRegs(),
		dying: make(chan struct{}), childNS: ns, started: wait.Now(),
	}
	t.Waiter = t.waiter.Init()
	t.vfs.Waiter, t.vfs.Task, t.vfs.IO = t.Waiter, t, &t.moved
	t.attributes.initial()
	k.sched = sched.New(k.Machine.NumCPU(), wait.Now)
	t.compete()
	t.SetName(name)
	t.SetCred(cred.Root())
	g := &Group{kernel: k, leader: t, actions: newActions(), unkillable: true, onEnd: onEnd, started: t.started}
	g.cont.L, g.execWait.L = &g.mu, &g.mu
	g.limits.table = initialLimits(threads)
	k.threads.Store(threads)
	cred.SetFirstLimits(threads)
	t.Group = g
	procs.Lock()
	defer procs.Unlock()
	p, err := newPID(ns)
	if err != nil {
		panic(err) // an empty namespace has room
	}
	p.task, p.group, t.pid, g.pid, ns.reaper = t, g, p, p, g
	t.Waiter.ID.Store(int32(p.global()))
	if trace.Any() {
		t.traceBirth(nil)
	}
	k.initial.Store(ns)
	k.counters.made.Add(1)
	g.add(t)
	g.newSession()
	return t
}
