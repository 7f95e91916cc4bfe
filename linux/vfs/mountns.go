package vfs

import (
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/wait"
)

// MountNS is a mount namespace: the mounts that a group of tasks sees.
type MountNS struct {
	ID    uint64
	Owner *cred.UserNS // in which who changes the mounts is to have CAP_SYS_ADMIN
	refs  atomic.Int32

	// Guarded by mountMu.
	root   *Mount
	mounts []*Mount // in the order of mountinfo
	event  atomic.Uint64

	changes wait.Queue // woken after each change of event

	// views are the root and working directories of those in the namespace, which
	// pivot_root changes. viewMu guards it; it is taken before an FSInfo's mu.
	viewMu sync.Mutex
	views  map[*FSInfo]struct{}
}

// NewMountNS returns a namespace with sb at its root.
func NewMountNS(sb *Superblock, source string) *MountNS {
	ns := newNS(nil)
	ns.root = newMount(sb, sb.Root, source, 0)
	ns.root.ns = ns
	ns.mounts = []*Mount{ns.root}
	return ns
}

func newNS(owner *cred.UserNS) *MountNS {
	ns := &MountNS{ID: nextNSID.Add(1), Owner: owner, views: make(map[*FSInfo]struct{})}
	ns.refs.Store(1)
	return ns
}

// join and leave note that fs is a view of the namespace, and count it as Ref and Unref
// do.
func (ns *MountNS) join(fs *FSInfo) {
	ns.Ref()
	ns.viewMu.Lock()
	defer ns.viewMu.Unlock()
	ns.views[fs] = struct{}{}
}

func (ns *MountNS) leave(fs *FSInfo) {
	ns.viewMu.Lock()
	delete(ns.views, fs)
	ns.viewMu.Unlock()
	ns.Unref()
}

// Root is the topmost root directory of the namespace.
func (ns *MountNS) Root() Path {
	mountMu.RLock()
	defer mountMu.RUnlock()
	return top(Path{ns.root, ns.root.Root})
}

// Event counts changes, so that a poll of /proc/PID/mounts sees them.
func (ns *MountNS) Event() uint64 { return ns.event.Load() }

// Changes is woken after each change.
func (ns *MountNS) Changes() *wait.Queue { return &ns.changes }

// changed counts a change of the mounts.
func (ns *MountNS) changed() {
	ns.event.Add(1)
	ns.changes.Wake(wait.Err | wait.Pri)
}

// Number is the inode number that stands for the namespace in /proc/PID/ns.
func (ns *MountNS) Number() uint64 { return 0xf0000000 + ns.ID }

// Ref and Unref count who is in the namespace; the last one to leave unmounts all.
func (ns *MountNS) Ref() { ns.refs.Add(1) }

func (ns *MountNS) Unref() {
	if ns.refs.Add(-1) != 0 {
		return
	}
	mountMu.Lock()
	gone := slices.Clone(ns.mounts)
	for _, m := range gone {
		m.takeOut()
	}
	mountMu.Unlock()
	releaseUnused(gone)
}

// CopyNamespace gives fs a mount namespace of its own, made by c, a copy of the one it is in:
// clone(CLONE_NEWNS) and unshare. fs must not be shared with other tasks. ENOSPC where c may
// not have one more.
func (fs *FSInfo) CopyNamespace(c *cred.Cred) error {
	old, owner := fs.Namespace(), c.User
	ns := newNS(owner)
	if err := cred.Charge(c, cred.MountNamespaces, ns); err != nil {
		return err
	}
	moved := map[*Mount]*Mount{}
	mountMu.Lock()
	ns.root = old.root.cloneTree(old.root.Root, true, true, moved)
	if owner != old.Owner {
		for _, m := range ns.root.subtree() {
			if m.peers != nil {
				m.setPropagation(unix.MS_SLAVE)
			}
		}
		ns.root.lock()
	}
	ns.root.enter(ns)
	mountMu.Unlock()
	fs.mu.Lock()
	for _, at := range [...]*atomic.Pointer[Path]{&fs.root, &fs.cwd} {
		p := *at.Load()
		if m := moved[p.Mnt]; m != nil {
			set(at, Path{m, p.D})
		}
	}
	fs.ns.Store(ns)
	fs.mu.Unlock()
	ns.join(fs)
	ns.Unref() // newNS's: fs holds it now
	old.leave(fs)
	return nil
}

// EnterNamespace moves fs to the root of ns: setns(CLONE_NEWNS). fs must not be shared
// with other tasks.
func (fs *FSInfo) EnterNamespace(ns *MountNS) {
	ns.join(fs)
	root := ns.Root()
	fs.SetRoot(root)
	fs.SetCwd(root)
	fs.ns.Swap(ns).leave(fs)
}

// Mounts lists the mounts of the namespace in order. Their places may change at any
// time; the list is a copy.
func (ns *MountNS) Mounts() []*Mount {
	mountMu.RLock()
	defer mountMu.RUnlock()
	return slices.Clone(ns.mounts)
}

// moveViews changes roots and working directories that are from to to.
func (ns *MountNS) moveViews(from, to Path) {
	ns.viewMu.Lock()
	defer ns.viewMu.Unlock()
	for fs := range ns.views {
		fs.mu.Lock()
		for _, at := range [...]*atomic.Pointer[Path]{&fs.root, &fs.cwd} {
			if *at.Load() == from {
				set(at, to)
			}
		}
		fs.mu.Unlock()
	}
}
