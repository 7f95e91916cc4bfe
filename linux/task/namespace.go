package task

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
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

	user *cred.UserNS // nil is the first one, where Kind says that it is such a namespace
}

// only are kinds of which there is one namespace, and its number: that of Linux's first.
var only = map[uint64]uint64{
	unix.CLONE_NEWCGROUP: 0xeffffffb, unix.CLONE_NEWTIME: 0xeffffffa, unix.CLONE_NEWNET: 0xf0000000,
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
	case unix.CLONE_NEWUSER:
		ns = userNamespace(t.Cred().User)
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

func userNamespace(ns *cred.UserNS) Namespace {
	return Namespace{Kind: unix.CLONE_NEWUSER, Number: ns.Number(), user: ns}
}

// owner is the user namespace that the namespace belongs to; for one of users itself, in
// which the capability to enter it counts.
func (ns *Namespace) owner() *cred.UserNS {
	switch {
	case ns.uts != nil:
		return ns.uts.Owner()
	case ns.ipc != nil:
		return ns.ipc.Owner()
	case ns.mnt != nil:
		return ns.mnt.Owner
	case ns.pid != nil:
		return ns.pid.owner
	}
	return ns.user
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
	nsGetUserNS   = 0xb701
	nsGetParent   = 0xb702
	nsGetType     = 0xb703
	nsGetOwnerUID = 0xb704
)

// Ioctl implements vfs.FileOps: ioctl_ns(2).
func (f *NamespaceFile) Ioctl(c *vfs.Context, _ *vfs.File, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	users := f.ns.Kind == unix.CLONE_NEWUSER
	switch cmd {
	case nsGetUserNS:
		owner := f.ns.owner()
		if users {
			if owner == nil {
				return 0, unix.EPERM
			}
			owner = owner.Parent()
		}
		if !owner.Within(c.Cred.User) {
			return 0, unix.EPERM
		}
		return open(c, userNamespace(owner))
	case nsGetParent:
		switch {
		case users:
			if f.ns.user == nil || !f.ns.user.Parent().Within(c.Cred.User) {
				return 0, unix.EPERM
			}
			return open(c, userNamespace(f.ns.user.Parent()))
		case f.ns.pid != nil:
			t, parent := Of(c), f.ns.pid.parent
			if parent == nil || t == nil || !parent.within(t.PIDNamespace()) {
				return 0, unix.EPERM
			}
			return open(c, Namespace{Kind: f.ns.Kind, Number: parent.Number(), pid: parent})
		}
		return 0, unix.EINVAL
	case nsGetType:
		return f.ns.Kind, nil
	case nsGetOwnerUID:
		if !users {
			return 0, unix.EINVAL
		}
		uid := c.Cred.User.ShowUID(f.ns.user.Owner())
		_, err := m.CopyOut(user.Addr(arg), binary.LittleEndian.AppendUint32(nil, uid))
		return 0, err
	}
	return 0, unix.ENOTTY
}

// open gives the caller a descriptor of a namespace.
func open(c *vfs.Context, ns Namespace) (uint64, error) {
	p := ns.Path()
	defer p.Put()
	f, err := vfs.Reopen(c, p, unix.O_RDONLY)
	if err != nil {
		return 0, err
	}
	fd, err := c.Files.Install(c, f, 0, true)
	return uint64(fd), err
}

// makeable are the namespaces that unshare and clone can make for who has CAP_SYS_ADMIN.
const makeable = unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID | unix.CLONE_NEWNS

// identityFor is who makes, and then is in, the namespaces that the flags of clone and
// unshare ask for: the caller, or who it becomes in a user namespace of its own. EPERM.
func (t *Task) identityFor(flags uint64) (*cred.Cred, error) {
	id := t.Cred()
	if flags&unix.CLONE_NEWUSER != 0 {
		if cred.UnprivilegedUserNS.Load() == 0 && !id.Capable(unix.CAP_SYS_ADMIN) {
			return nil, unix.EPERM
		}
		if t.FS.Root() != t.FS.Namespace().Root() {
			return nil, unix.EPERM // it would escape from its chroot: user_namespaces(7)
		}
		id = id.Copy()
		if err := id.NewUserNS(); err != nil {
			return nil, err
		}
	}
	if flags&makeable != 0 && !id.CapableHere(unix.CAP_SYS_ADMIN) {
		return nil, unix.EPERM
	}
	return id, nil
}

// makeNamespaces puts t, which shares its FSInfo with nobody where that is to change, into
// new namespaces, made by id. It does all or nothing. PID namespaces are another matter.
func (t *Task) makeNamespaces(flags uint64, id *cred.Cred) (err error) {
	names := t.UTS()
	if flags&unix.CLONE_NEWUTS != 0 {
		if names, err = names.Copy(id); err != nil {
			return err
		}
	}
	var objects *ipc.Namespace
	if flags&unix.CLONE_NEWIPC != 0 {
		if objects, err = ipc.MakeNamespace(id); err != nil {
			return err
		}
	}
	if flags&unix.CLONE_NEWNS != 0 {
		if err := t.FS.CopyNamespace(id); err != nil {
			return err
		}
	}
	t.attributes.uts.Store(names)
	if objects != nil {
		t.enterIPC(objects)
	}
	return nil
}

// Unshare is unshare(2).
func (t *Task) Unshare(flags uint64) error {
	const threads = unix.CLONE_THREAD | unix.CLONE_SIGHAND | unix.CLONE_VM
	const known = threads | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SYSVSEM | unix.CLONE_NEWUSER | makeable
	has := func(bits uint64) bool { return flags&bits != 0 }
	if has(unix.CLONE_NEWUSER) {
		flags |= unix.CLONE_THREAD | unix.CLONE_FS
	}
	if flags&^known != 0 || has(threads) && !t.alone() {
		return unix.EINVAL
	}
	id, err := t.identityFor(flags)
	if err != nil {
		return err
	}
	var children *PIDNamespace
	if has(unix.CLONE_NEWPID) {
		if children, err = t.unsharePID(id); err != nil {
			return err
		}
	}
	if has(unix.CLONE_FS|unix.CLONE_NEWNS) && t.FS.Refs() > 1 {
		old := t.FS
		t.SetFS(old.Copy())
		old.Unref()
	}
	if err := t.makeNamespaces(flags, id); err != nil {
		return err
	}
	if children != nil {
		procs.Lock()
		t.childNS = children
		procs.Unlock()
	}
	if has(unix.CLONE_FILES) && t.Files.Refs() > 1 {
		old := t.Files
		t.SetFiles(old.Fork())
		old.Unref(t.VFS())
	}
	if has(unix.CLONE_SYSVSEM) {
		t.releaseUndo()
	}
	if id != t.Cred() {
		t.Become(id)
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
func (t *Task) unsharePID(id *cred.Cred) (*PIDNamespace, error) {
	procs.RLock()
	defer procs.RUnlock()
	if t.childNS != t.pid.ns {
		return nil, unix.EINVAL
	}
	return t.childNS.newBelow(id)
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
		return t.enter([]Namespace{ops.ns})
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
		if kind == unix.CLONE_NEWUSER { // first: it gives the right to enter the others
			list = append([]Namespace{ns}, list...)
		} else {
			list = append(list, ns)
		}
	}
	return t.enter(list)
}

// mayEnter checks that t, which will be id then, can enter a namespace.
func (t *Task) mayEnter(ns Namespace, id *cred.Cred) error {
	if ns.Kind == unix.CLONE_NEWUSER {
		switch {
		case ns.user == id.User, !t.alone(), t.FS.Refs() > 1:
			return unix.EINVAL
		case !id.CapableIn(ns.user, unix.CAP_SYS_ADMIN):
			return unix.EPERM
		}
		return nil
	}
	switch {
	case !id.CapableIn(ns.owner(), unix.CAP_SYS_ADMIN), !id.CapableHere(unix.CAP_SYS_ADMIN),
		ns.mnt != nil && !id.CapableHere(unix.CAP_SYS_CHROOT):
		return unix.EPERM
	case ns.mnt != nil && t.FS.Refs() > 1, ns.pid != nil && !ns.pid.within(t.pid.ns):
		return unix.EINVAL
	}
	return nil
}

// enter moves t to all of the namespaces, or to none.
func (t *Task) enter(list []Namespace) error {
	id := t.Cred()
	for _, ns := range list {
		if err := t.mayEnter(ns, id); err != nil {
			return err
		}
		if ns.Kind == unix.CLONE_NEWUSER {
			id = id.Copy()
			id.EnterUserNS(ns.user)
		}
	}
	for _, ns := range list {
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
	}
	if id != t.Cred() {
		t.Become(id)
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
