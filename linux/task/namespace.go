package task

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"kevlar/linux/ipc"
	"kevlar/linux/user"
	"kevlar/linux/uts"
	"kevlar/linux/vfs"
	"kevlar/machine"
)

// Namespace is one that a task is in, as /proc/PID/ns shows it and setns(2) enters it.
type Namespace struct {
	Kind   uint64 // the flag of clone(2) that makes one
	Number uint64 // its inode number

	uts *uts.Namespace
	ipc *ipc.Namespace
	mnt *vfs.MountNS
	pid *PIDNamespace
}

// Numbers of the namespaces of which there is one: those that Linux gives the first.
const (
	onlyUser   = 0xeffffffd
	onlyCgroup = 0xeffffffb
	onlyTime   = 0xeffffffa
	onlyNet    = 0xf0000000
)

// only are kinds of which there is one namespace.
var only = map[uint64]uint64{
	unix.CLONE_NEWUSER: onlyUser, unix.CLONE_NEWCGROUP: onlyCgroup, unix.CLONE_NEWTIME: onlyTime, unix.CLONE_NEWNET: onlyNet,
}

// Namespace is the namespace of a kind, a CLONE_NEW flag, that the task is in; children
// says to tell where its children will be. Its number is 0 where the task has none any more.
func (t *Task) Namespace(kind uint64, children bool) Namespace {
	ns := Namespace{Kind: kind}
	switch kind {
	case unix.CLONE_NEWUTS:
		ns.uts = t.UTS()
		ns.Number = ns.uts.ID()
	case unix.CLONE_NEWIPC:
		ns.ipc = t.IPC()
		ns.Number = ns.ipc.ID()
	case unix.CLONE_NEWPID:
		ns.pid = t.PIDNamespace()
		if children {
			ns.pid = t.ChildNamespace()
		}
		ns.Number = ns.pid.Number()
	case unix.CLONE_NEWNS:
		if fs := t.SeenFS(); fs != nil {
			ns.mnt = fs.Namespace()
			ns.Number = ns.mnt.Number()
		}
	default:
		ns.Number = only[kind]
	}
	return ns
}

// names are what the links of /proc/PID/ns begin with.
var names = map[uint64]string{
	unix.CLONE_NEWUTS: "uts", unix.CLONE_NEWIPC: "ipc", unix.CLONE_NEWPID: "pid", unix.CLONE_NEWNS: "mnt",
	unix.CLONE_NEWUSER: "user", unix.CLONE_NEWCGROUP: "cgroup", unix.CLONE_NEWTIME: "time", unix.CLONE_NEWNET: "net",
}

// String is the target of the link in /proc/PID/ns.
func (ns Namespace) String() string { return fmt.Sprintf("%s:[%d]", names[ns.Kind], ns.Number) }

// Path is where the link leads, with a reference.
func (ns Namespace) Path() vfs.Path {
	return vfs.NamespacePath(ns.Number, ns.String(), func() vfs.FileOps {
		switch {
		case ns.ipc != nil:
			ns.ipc.Ref()
		case ns.mnt != nil:
			ns.mnt.Ref()
		}
		return &NamespaceFile{ns: ns}
	})
}

// NamespaceFile is an open file of /proc/PID/ns. It keeps its namespace.
type NamespaceFile struct {
	vfs.DefaultOps
	ns Namespace
}

// Release implements vfs.FileOps.
func (f *NamespaceFile) Release(*vfs.File) {
	switch {
	case f.ns.ipc != nil:
		f.ns.ipc.Unref()
	case f.ns.mnt != nil:
		f.ns.mnt.Unref()
	}
}

// Requests of ioctl_ns(2).
const (
	nsGetType     = 0xb703
	nsGetOwnerUID = 0xb704
)

// Ioctl implements vfs.FileOps: ioctl_ns(2).
func (f *NamespaceFile) Ioctl(_ *vfs.Context, _ *vfs.File, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	switch cmd {
	case nsGetType:
		return f.ns.Kind, nil
	case nsGetOwnerUID:
		if f.ns.Kind != unix.CLONE_NEWUSER {
			return 0, unix.EINVAL
		}
		_, err := m.CopyOut(user.Addr(arg), binary.LittleEndian.AppendUint32(nil, 0))
		return 0, err
	}
	return 0, unix.ENOTTY
}

// makeable are the namespaces that unshare and clone can make.
const makeable = unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID | unix.CLONE_NEWNS

// Unshare is unshare(2).
func (t *Task) Unshare(flags uint64) error {
	const threads = unix.CLONE_THREAD | unix.CLONE_SIGHAND | unix.CLONE_VM
	const known = threads | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SYSVSEM | makeable
	has := func(bits uint64) bool { return flags&bits != 0 }
	if flags&^known != 0 || has(threads) && !t.alone() {
		return unix.EINVAL
	}
	if has(makeable) && !t.Capable(unix.CAP_SYS_ADMIN) {
		return unix.EPERM
	}
	if has(unix.CLONE_NEWPID) {
		if err := t.unsharePID(); err != nil {
			return err
		}
	}
	if has(unix.CLONE_FS|unix.CLONE_NEWNS) && t.FS.Refs() > 1 {
		old := t.FS
		t.SetFS(old.Copy())
		old.Unref()
	}
	if has(unix.CLONE_FILES) && t.Files.Refs() > 1 {
		old := t.Files
		t.SetFiles(old.Fork())
		old.Unref(t.VFS())
	}
	if has(unix.CLONE_NEWNS) {
		t.FS.CopyNamespace()
	}
	if has(unix.CLONE_NEWUTS) {
		t.attributes.uts.Store(t.UTS().Copy())
	}
	switch {
	case has(unix.CLONE_NEWIPC):
		t.enterIPC(ipc.NewNamespace(false))
	case has(unix.CLONE_SYSVSEM):
		t.releaseUndo()
	}
	return nil
}

// alone reports whether the task is its process's only thread.
func (t *Task) alone() bool {
	t.Group.mu.Lock()
	defer t.Group.mu.Unlock()
	return t.Group.alive == 1
}

// unsharePID makes a PID namespace for the task's children. EINVAL where they have another
// than the task already.
func (t *Task) unsharePID() error {
	procs.Lock()
	defer procs.Unlock()
	if t.childNS != t.pid.ns {
		return unix.EINVAL
	}
	ns, err := NewPIDNamespace(t.childNS)
	if err == nil {
		t.childNS = ns
	}
	return err
}

// Enter is setns(2) with descriptor fd: kind is a CLONE_NEW flag that the namespace must be
// of, or 0; with a pidfd it may be several. EBADF, EINVAL, EPERM.
func (t *Task) Enter(fd int, kind uint64) error {
	f, err := t.Files.Get(fd)
	if err != nil {
		return err
	}
	defer f.Unref()
	switch ops := f.Ops.(type) {
	case *NamespaceFile:
		if kind != 0 && kind != ops.ns.Kind {
			return unix.EINVAL
		}
		return t.enter(ops.ns)
	case *PIDFD:
		return t.enterAll(ops.Group(), kind)
	}
	return unix.EINVAL
}

// enterAll enters several namespaces of a process, or none.
func (t *Task) enterAll(g *Group, kinds uint64) error {
	all := uint64(0)
	for kind := range names {
		all |= kind
	}
	switch {
	case kinds == 0 || kinds&^all != 0:
		return unix.EINVAL
	case g == nil:
		return unix.ESRCH
	}
	o := g.Leader()
	if !t.MayInspect(o) {
		return unix.EPERM
	}
	var list []Namespace
	for kind := range names {
		if kinds&kind == 0 {
			continue
		}
		ns := o.Namespace(kind, false)
		if ns.Number == 0 {
			return unix.ESRCH
		}
		if err := t.mayEnter(ns); err != nil {
			return err
		}
		list = append(list, ns)
	}
	for _, ns := range list {
		if err := t.enter(ns); err != nil {
			return err
		}
	}
	return nil
}

// mayEnter checks what enter would refuse.
func (t *Task) mayEnter(ns Namespace) error {
	switch {
	case ns.Kind == unix.CLONE_NEWUSER:
		return unix.EINVAL // the caller's own
	case !t.Capable(unix.CAP_SYS_ADMIN), ns.mnt != nil && !t.Capable(unix.CAP_SYS_CHROOT):
		return unix.EPERM
	case ns.mnt != nil && t.FS.Refs() > 1, ns.pid != nil && !ns.pid.within(t.pid.ns):
		return unix.EINVAL
	}
	return nil
}

func (t *Task) enter(ns Namespace) error {
	if err := t.mayEnter(ns); err != nil {
		return err
	}
	switch {
	case ns.uts != nil:
		t.attributes.uts.Store(ns.uts)
	case ns.ipc != nil:
		t.enterIPC(ns.ipc.Ref())
	case ns.mnt != nil:
		t.FS.EnterNamespace(ns.mnt)
	case ns.pid != nil:
		procs.Lock()
		t.childNS = ns.pid
		procs.Unlock()
	}
	return nil
}

// within reports whether ns is outer or below it.
func (ns *PIDNamespace) within(outer *PIDNamespace) bool {
	for n := ns; n != nil; n = n.parent {
		if n == outer {
			return true
		}
	}
	return false
}

// Inner reports whether this is another namespace than the machine's first.
func (ns *PIDNamespace) Inner() bool { return ns.parent != nil }

// Reboot is reboot(2) from within an inner PID namespace: it ends the namespace's first
// process with a signal that tells its parent how, and returns that signal.
func (ns *PIDNamespace) Reboot(how machine.StopKind) unix.Signal {
	sig := unix.SIGINT
	if how == machine.Reboot {
		sig = unix.SIGHUP
	}
	procs.RLock()
	defer procs.RUnlock()
	if g := ns.reaper; g != nil {
		g.mu.Lock()
		g.beginExit(WaitStatus(sig))
		g.mu.Unlock()
	}
	return sig
}
