package vfs

import (
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Flags of a mount are mount(2)'s: these and MS_NOSYMFOLLOW. A mount has RelAtime,
// NoAtime or neither, which means strict. StrictAtime only asks for that.
const (
	MntReadOnly    = unix.MS_RDONLY
	MntNoSuid      = unix.MS_NOSUID
	MntNoDev       = unix.MS_NODEV
	MntNoExec      = unix.MS_NOEXEC
	MntNoAtime     = unix.MS_NOATIME
	MntNoDirAtime  = unix.MS_NODIRATIME
	MntRelAtime    = unix.MS_RELATIME
	MntStrictAtime = unix.MS_STRICTATIME
	MntNoSymFollow = 256

	mntFlags = MntReadOnly | MntNoSuid | MntNoDev | MntNoExec | mntAtimeFlags | MntNoSymFollow

	mntAtimeFlags = MntNoAtime | MntNoDirAtime | MntRelAtime
)

// Mount shows a file system, or a part of one, at a place in a mount namespace.
type Mount struct {
	ID     int
	SB     *Superblock
	Root   *Dentry // the directory (or file) of SB that shows
	Source string

	flags    atomic.Uint32
	users    atomic.Int64 // open files, roots and working directories
	writers  atomic.Int64 // files open for writing: remounting read-only finds it busy
	expired  atomic.Bool  // umount2(MNT_EXPIRE) has marked it
	detached atomic.Bool  // umount has taken it out of the tree
	released atomic.Bool

	// Guarded by mountMu.
	ns       *MountNS
	parent   *Mount // nil: the root of ns, or detached
	point    *Dentry
	children map[*Dentry]*Mount
	locked   bool       // came from a more privileged namespace along with what it is mounted on, and stays there
	lockedIn uint32     // flags that stay set, and of access times all that stay as they are
	peers    *peerGroup // shared propagation: who mounts and unmounts along
	master   *peerGroup // slave propagation: whose mounts arrive here
	unbind   bool       // MS_UNBINDABLE
}

// mountMu guards the tree of mounts of every namespace. It is taken after all inode
// locks, and with it held only dentries' mu may be taken.
var mountMu sync.RWMutex

var (
	nextMountID atomic.Int32
	nextPeerID  atomic.Int32
	nextNSID    atomic.Uint64
)

func newMount(sb *Superblock, root *Dentry, source string, flags uint32) *Mount {
	m := &Mount{ID: int(nextMountID.Add(1)) + 20, SB: sb, Root: root, Source: source}
	m.flags.Store(flags & mntFlags)
	sb.mounts.Add(1)
	return m
}

// Flags are the mount's flags.
func (m *Mount) Flags() uint32 { return m.flags.Load() }

// ReadOnly reports whether nothing may change through the mount.
func (m *Mount) ReadOnly() bool { return m.flags.Load()&MntReadOnly != 0 || m.SB.ReadOnly() }

// mountPoints are the mounts on each dentry, in whatever namespace; guarded by mountMu.
var mountPoints = make(map[*Dentry][]*Mount)

// hang puts m at p, and unhang takes it off, with mountMu held.
func (m *Mount) hang(p Path) {
	m.parent, m.point = p.Mnt, p.D
	if p.Mnt.children == nil {
		p.Mnt.children = make(map[*Dentry]*Mount)
	}
	p.Mnt.children[p.D] = m
	p.D.mounted.Add(1)
	mountPoints[p.D] = append(mountPoints[p.D], m)
}

func (m *Mount) unhang() {
	if m.parent == nil {
		return
	}
	d := m.point
	delete(m.parent.children, d)
	d.mounted.Add(-1)
	if rest := slices.DeleteFunc(mountPoints[d], func(x *Mount) bool { return x == m }); len(rest) > 0 {
		mountPoints[d] = rest
	} else {
		delete(mountPoints, d)
	}
	m.parent, m.point = nil, nil
}

// attach puts m, and everything mounted on it, at p, with mountMu held.
func (m *Mount) attach(p Path) {
	m.hang(p)
	m.enter(p.Mnt.ns)
}

// enter lists m and its subtree in ns, with mountMu held.
func (m *Mount) enter(ns *MountNS) {
	for _, t := range m.subtree() {
		t.ns = ns
		ns.mounts = append(ns.mounts, t)
	}
	ns.changed()
}

// detach takes m out of its parent, and m and its subtree out of the namespace's
// list, with mountMu held. The subtree stays in one piece.
func (m *Mount) detach() {
	m.unhang()
	if ns := m.ns; ns != nil {
		ns.changed()
		for _, t := range m.subtree() {
			ns.mounts = slices.DeleteFunc(ns.mounts, func(x *Mount) bool { return x == t })
			t.ns = nil
		}
	}
}

// takeOut is detach for good: of m alone, with mountMu held.
func (m *Mount) takeOut() {
	m.unhang()
	if m.ns != nil {
		m.ns.changed()
		m.ns.mounts = slices.DeleteFunc(m.ns.mounts, func(x *Mount) bool { return x == m })
		m.ns = nil
	}
	m.setPropagation(unix.MS_PRIVATE)
	m.detached.Store(true)
}

// subtree lists m and the mounts on it, parents first in a stable order, with mountMu
// held.
func (m *Mount) subtree() []*Mount {
	list := []*Mount{m}
	for i := 0; i < len(list); i++ {
		kids := make([]*Mount, 0, len(list[i].children))
		for _, k := range list[i].children {
			kids = append(kids, k)
		}
		slices.SortFunc(kids, func(a, b *Mount) int { return a.ID - b.ID })
		list = append(list, kids...)
	}
	return list
}

// release ends a detached mount that nobody uses.
func (m *Mount) release() {
	if m.released.Swap(true) {
		return
	}
	if m.SB.mounts.Add(-1) == 0 {
		m.SB.unmounted()
		m.SB.Ops.Release()
	}
}

func releaseUnused(list []*Mount) {
	for _, m := range list {
		if m.users.Load() == 0 {
			m.release()
		}
	}
}

// cloneMount copies m alone as another mount of the same directory. The copy joins
// m's peer group, and shares its master, with mountMu held.
func (m *Mount) cloneMount(root *Dentry) *Mount {
	n := newMount(m.SB, root, m.Source, m.flags.Load())
	n.locked, n.lockedIn = m.locked, m.lockedIn
	if n.peers = m.peers; n.peers != nil {
		n.peers.members = append(n.peers.members, n)
	}
	if n.master = m.master; n.master != nil {
		n.master.slaves = append(n.master.slaves, n)
	}
	return n
}

// cloneTree copies m, showing root, and with deep everything mounted below root,
// without unbindable mounts unless all says so; with mountMu held. moved, where not nil,
// learns of the copies by their originals.
func (m *Mount) cloneTree(root *Dentry, deep, all bool, moved map[*Mount]*Mount) *Mount {
	if moved == nil {
		moved = make(map[*Mount]*Mount)
	}
	n := m.cloneMount(root)
	moved[m] = n
	if !deep {
		return n
	}
	for _, child := range m.subtree()[1:] {
		parent := moved[child.parent]
		if parent == nil || child.unbind && !all || child.parent == m && !root.isAncestor(child.point) {
			continue
		}
		c := child.cloneMount(child.Root)
		moved[child] = c
		c.hang(Path{parent, child.point})
	}
	return n
}

// lock fixes the mounts in m's tree for a namespace that is less privileged than the one
// they come from, with mountMu held: what they cover stays covered, and what they forbid
// forbidden (mount_namespaces(7), "Restrictions on mount namespaces").
func (m *Mount) lock() {
	const forbid = MntReadOnly | MntNoDev | MntNoSuid | MntNoExec
	for _, t := range m.subtree() {
		t.locked = t != m
		t.lockedIn |= t.Flags()&forbid | mntAtimeFlags
	}
}

// keepsLocks reports whether the mount may have flags, with mountMu held.
func (m *Mount) keepsLocks(flags uint32) bool {
	on := m.lockedIn &^ mntAtimeFlags
	return flags&on == on && (flags^m.Flags())&m.lockedIn&mntAtimeFlags == 0
}

// hidesBelow reports whether a mount below d, in m, is locked, with mountMu held.
func (m *Mount) hidesBelow(d *Dentry) bool {
	for point, child := range m.children {
		if child.locked && d.isAncestor(point) {
			return true
		}
	}
	return false
}

// hides reports whether something in m is covered for good, with mountMu held.
func (m *Mount) hides() bool {
	for point, child := range m.children {
		if child.locked && !point.Inode().ToMountOn {
			return true
		}
	}
	return false
}

// renames counts changes of dentries' places: odd while one is under way. Path
// strings that saw it change are made again.
var renames atomic.Uint64
