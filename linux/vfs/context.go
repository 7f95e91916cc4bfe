package vfs

import (
	"math"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/wait"
)

// Context is what an operation on files needs to know of the task it serves. A task
// has one and passes it down; nothing keeps it after the call. The kernel's own
// work before the first task uses one with root's identity.
type Context struct {
	Cred   *cred.Cred
	Waiter *wait.Waiter
	FS     *FSInfo
	Files  *FDTable
	Task   Task // nil for the kernel's own work
	IO     *IO  // what the task has moved; nil where nobody counts
}

// IO counts what a task's reads and writes have moved: /proc/PID/io. Only the task adds.
type IO struct {
	ReadBytes, WrittenBytes atomic.Int64
	Reads, Writes           atomic.Int64 // calls
}

// count adds a call that has moved n bytes.
func (io *IO) count(n int, bytes, calls *atomic.Int64) {
	bytes.Store(bytes.Load() + int64(n))
	calls.Store(calls.Load() + 1)
}

// Task is what vfs asks of the task behind a Context.
type Task interface {
	// IDs are the process and the thread that the context serves, as numbers of
	// the initial PID namespace.
	IDs() (process, thread int)
	// Limit is the soft limit of a resource (a unix.RLIMIT_ constant).
	Limit(resource int) uint64
	// Signal sends the thread a signal that the call it is in has caused
	// (SIGPIPE, SIGXFSZ).
	Signal(sig unix.Signal)
}

// Limit is the soft limit of a resource of the context's task; the kernel's own work
// has none.
func (c *Context) Limit(resource int) uint64 {
	if c.Task == nil {
		return math.MaxUint64
	}
	return c.Task.Limit(resource)
}

// Signal sends the context's task a signal.
func (c *Context) Signal(sig unix.Signal) {
	if c.Task != nil {
		c.Task.Signal(sig)
	}
}

// Process is the number of the context's process, 0 for the kernel.
func (c *Context) Process() int {
	if c.Task == nil {
		return 0
	}
	pid, _ := c.Task.IDs()
	return pid
}

// Capable reports whether the context has an effective capability (a unix.CAP_
// constant).
func (c *Context) Capable(cap int) bool { return c.Cred.Capable(cap) }

// KernelContext returns a context with root's identity, for work that no task asked
// for: unpacking the initramfs, creating device nodes.
func KernelContext(fs *FSInfo) *Context {
	return &Context{Cred: cred.Root(), Waiter: wait.NewWaiter(), FS: fs}
}

// FSInfo is a task's view of the file tree, shared by clone(CLONE_FS): mount
// namespace, root directory, working directory and umask. Reading takes no lock; mu is
// held to change the paths.
type FSInfo struct {
	refs  atomic.Int32
	umask atomic.Uint32
	ns    atomic.Pointer[MountNS]

	mu        sync.Mutex
	root, cwd atomic.Pointer[Path] // what they point to never changes
}

// NewFSInfo returns a view of ns from its root, with umask 022.
func NewFSInfo(ns *MountNS) *FSInfo {
	root := ns.Root()
	fs := &FSInfo{}
	fs.init(ns, root, root, 0o022)
	ns.join(fs)
	return fs
}

func (fs *FSInfo) init(ns *MountNS, root, cwd Path, umask uint32) {
	fs.refs.Store(1)
	fs.ns.Store(ns)
	fs.umask.Store(umask)
	set(&fs.root, root)
	set(&fs.cwd, cwd)
}

// set changes one of the paths, with mu held or before others see fs.
func set(at *atomic.Pointer[Path], p Path) {
	p.Get()
	if old := at.Swap(&p); old != nil {
		old.Put()
	}
}

// Ref adds a reference, for clone(CLONE_FS).
func (fs *FSInfo) Ref() { fs.refs.Add(1) }

// Refs is the number of tasks that share fs.
func (fs *FSInfo) Refs() int { return int(fs.refs.Load()) }

// Unref drops a reference; the last one lets go of the directories.
func (fs *FSInfo) Unref() {
	if fs.refs.Add(-1) != 0 {
		return
	}
	fs.mu.Lock()
	set(&fs.root, Path{})
	set(&fs.cwd, Path{})
	fs.mu.Unlock()
	fs.ns.Load().leave(fs)
}

// Copy returns a view of its own with the same directories, for fork and
// unshare(CLONE_FS).
func (fs *FSInfo) Copy() *FSInfo {
	n, ns := &FSInfo{}, fs.ns.Load()
	ns.viewMu.Lock() // so that pivot_root changes the copy too, or has changed the original
	defer ns.viewMu.Unlock()
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n.init(ns, *fs.root.Load(), *fs.cwd.Load(), fs.umask.Load())
	ns.Ref()
	ns.views[n] = struct{}{}
	return n
}

// Namespace is the mount namespace that the view is of.
func (fs *FSInfo) Namespace() *MountNS { return fs.ns.Load() }

// Root is the root directory. The path is good until somebody changes it; what is
// kept longer takes a reference with Path.Get.
func (fs *FSInfo) Root() Path { return *fs.root.Load() }

// Cwd is the working directory, likewise.
func (fs *FSInfo) Cwd() Path { return *fs.cwd.Load() }

// SetRoot changes the root directory, as chroot does after its checks.
func (fs *FSInfo) SetRoot(p Path) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	set(&fs.root, p)
}

// SetCwd changes the working directory, as chdir does after its checks.
func (fs *FSInfo) SetCwd(p Path) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	set(&fs.cwd, p)
}

// Umask is the file mode creation mask.
func (fs *FSInfo) Umask() uint32 { return fs.umask.Load() }

// SetUmask changes the mask and returns the old one.
func (fs *FSInfo) SetUmask(mask uint32) uint32 { return fs.umask.Swap(mask & 0o777) }
