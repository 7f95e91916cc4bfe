package vfs

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/wait"
)

// Path is a place in the file tree: a dentry as seen through a mount. The zero Path
// is nowhere.
type Path struct {
	Mnt *Mount
	D   *Dentry
}

// Get counts a user of the mount, which umount then finds busy, and returns p. What
// keeps a Path beyond a call does this, and ends with Put.
func (p Path) Get() Path {
	if p.Mnt != nil {
		p.Mnt.users.Add(1)
	}
	return p
}

// Put ends what Get began.
func (p Path) Put() {
	if p.Mnt != nil && p.Mnt.users.Add(-1) == 0 && p.Mnt.detached.Load() {
		p.Mnt.release()
	}
}

// Inode is the inode at the path, nil where the name leads to nothing.
func (p Path) Inode() *Inode { return p.D.Inode() }

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

// peerGroup is a set of mounts that propagate to each other: mount_namespaces(7).
type peerGroup struct {
	id      int
	members []*Mount
	slaves  []*Mount
}

// mountMu guards the tree of mounts of every namespace. It is taken after all inode
// locks, and with it held only dentries' mu may be taken.
var mountMu sync.RWMutex

var (
	nextMountID atomic.Int32
	nextPeerID  atomic.Int32
	nextNSID    atomic.Uint64
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

func newMount(sb *Superblock, root *Dentry, source string, flags uint32) *Mount {
	m := &Mount{ID: int(nextMountID.Add(1)) + 20, SB: sb, Root: root, Source: source}
	m.flags.Store(flags & mntFlags)
	sb.mounts.Add(1)
	return m
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

// top follows mounts stacked on p, with mountMu held.
func top(p Path) Path {
	for p.D.mounted.Load() > 0 {
		m := p.Mnt.children[p.D]
		if m == nil {
			break
		}
		p = Path{m, m.Root}
	}
	return p
}

// crossed is top without mountMu held; it costs an atomic load where nothing is
// mounted.
func (p Path) crossed() Path {
	if p.D.mounted.Load() == 0 {
		return p
	}
	mountMu.RLock()
	defer mountMu.RUnlock()
	return top(p)
}

// up is the place that the root of p's mount covers; false at the namespace's root.
func (p Path) up() (Path, bool) {
	mountMu.RLock()
	defer mountMu.RUnlock()
	if p.Mnt.parent == nil {
		return p, false
	}
	return Path{p.Mnt.parent, p.Mnt.point}, true
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

// setPropagation changes how mounts under m propagate (a unix.MS_SHARED, SLAVE,
// PRIVATE or UNBINDABLE constant), with mountMu held.
func (m *Mount) setPropagation(kind int) {
	switch kind {
	case unix.MS_SHARED:
		m.unbind = false
		if m.peers == nil {
			m.peers = &peerGroup{id: int(nextPeerID.Add(1)), members: []*Mount{m}}
		}
		return
	case unix.MS_SLAVE:
		m.unbind = false
		old := m.peers
		m.leavePeers()
		if old != nil && len(old.members) > 0 {
			m.leaveMaster()
			m.master = old
			old.slaves = append(old.slaves, m)
		}
		return
	}
	m.leavePeers()
	m.leaveMaster()
	m.unbind = kind == unix.MS_UNBINDABLE
}

// leavePeers takes m out of its peer group. The slaves of a group without members
// have no master any more.
func (m *Mount) leavePeers() {
	g := m.peers
	if g == nil {
		return
	}
	m.peers = nil
	g.members = slices.DeleteFunc(g.members, func(x *Mount) bool { return x == m })
	if len(g.members) > 0 {
		return
	}
	for _, s := range g.slaves {
		s.master = m.master
		if m.master != nil {
			m.master.slaves = append(m.master.slaves, s)
		}
	}
	g.slaves = nil
}

func (m *Mount) leaveMaster() {
	if g := m.master; g != nil {
		g.slaves = slices.DeleteFunc(g.slaves, func(x *Mount) bool { return x == m })
		m.master = nil
	}
}

// receivers lists the mounts that a mount or umount under m propagates to, m itself not
// included, a master's before its slaves; with mountMu held.
func (m *Mount) receivers() []*Mount {
	if m.peers == nil {
		return nil
	}
	var list []*Mount
	seen := map[*Mount]bool{m: true}
	groups := []*peerGroup{m.peers}
	for k := 0; k < len(groups); k++ {
		for _, x := range slices.Concat(groups[k].members, groups[k].slaves) {
			if seen[x] {
				continue
			}
			seen[x] = true
			list = append(list, x)
			if x.peers != nil && !slices.Contains(groups, x.peers) {
				groups = append(groups, x.peers)
			}
		}
	}
	return list
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

// attachShared puts m at p and, where p's mount is shared, copies of it at the same
// place of every mount that p's propagates to, with mountMu held. What is mounted in a
// shared mount is shared itself; copies at peers are its peers, copies at slaves its
// slaves (mount_namespaces(7), "Propagation type transitions").
func (m *Mount) attachShared(p Path) {
	if p.Mnt.peers == nil {
		m.attach(p)
		return
	}
	for _, t := range m.subtree() {
		t.setPropagation(unix.MS_SHARED)
	}
	first := map[*peerGroup]*Mount{p.Mnt.peers: m} // what went to a group's first member
	for _, to := range p.Mnt.receivers() {
		if to.ns == nil || !to.Root.isAncestor(p.D) {
			continue
		}
		source, slave := first[to.peers], false
		if to.peers == nil || source == nil {
			slave = true
			if source = first[to.master]; source == nil {
				source = m // the group in between does not have the place
			}
		}
		n := source.cloneTree(source.Root, true, false, nil)
		if slave {
			for _, t := range n.subtree() {
				t.setPropagation(unix.MS_SLAVE)
				if to.peers != nil {
					t.setPropagation(unix.MS_SHARED)
				}
			}
		}
		if to.peers != nil && first[to.peers] == nil {
			first[to.peers] = n
		}
		if to.ns.Owner != p.Mnt.ns.Owner {
			n.lock()
		}
		n.attach(top(Path{to, p.D}))
	}
	m.attach(p)
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

// Describe is what mountinfo says of m to somebody whose root is root; false where
// the mount is out of reach from there.
func (m *Mount) Describe(root Path) (d MountInfo, ok bool) {
	mountMu.RLock()
	d.ID, d.Parent = m.ID, m.ID
	if m.parent != nil {
		d.Parent = m.parent.ID
	}
	if m.peers != nil {
		d.Shared = m.peers.id
	}
	if m.master != nil {
		d.Master = m.master.id
	}
	d.Unbindable = m.unbind
	mountMu.RUnlock()
	d.Root = Path{D: m.Root}.inFS()
	d.Point, ok = Path{m, m.Root}.From(root)
	return d, ok
}

// MountInfo is one mount as /proc/PID/mountinfo has it.
type MountInfo struct {
	ID, Parent     int
	Root           string // the directory of the file system that shows
	Point          string // where it shows
	Shared, Master int    // peer groups, 0 for none
	Unbindable     bool
}

// Options are the per-mount options as /proc/mounts prints them, without ro or rw.
func (m *Mount) Options() string {
	var b strings.Builder
	flags := m.Flags()
	for _, o := range [...]struct {
		flag uint32
		name string
	}{
		{MntNoSuid, ",nosuid"}, {MntNoDev, ",nodev"}, {MntNoExec, ",noexec"}, {MntNoAtime, ",noatime"},
		{MntNoDirAtime, ",nodiratime"}, {MntRelAtime, ",relatime"}, {MntNoSymFollow, ",nosymfollow"},
	} {
		if flags&o.flag != 0 {
			b.WriteString(o.name)
		}
	}
	return b.String()
}

// renames counts changes of dentries' places: odd while one is under way. Path
// strings that saw it change are made again.
var renames atomic.Uint64

// From is the path from root as d_path has it, without regard to removal. ok is false
// where p is not below root; the string then ends at the root of p's tree.
func (p Path) From(root Path) (s string, ok bool) {
	for try := 0; ; try++ {
		seq := renames.Load()
		s, ok = p.from(root)
		if seq&1 == 0 && seq == renames.Load() || try == 8 {
			return s, ok
		}
	}
}

func (p Path) from(root Path) (string, bool) {
	var names []string
	for p != root {
		if p.D == p.Mnt.Root {
			parent, ok := p.up()
			if !ok {
				return joinReverse(names), false
			}
			p = parent
			continue
		}
		pl := p.D.place.Load()
		if pl.parent == nil {
			if len(names) == 0 && pl.name != "/" { // a file without a name: pipe:[7]
				return pl.name, false
			}
			return joinReverse(names), false // outside of a bind mount's root
		}
		names = append(names, pl.name)
		p.D = pl.parent
	}
	return joinReverse(names), true
}

// inFS is the path within the file system.
func (p Path) inFS() string {
	var names []string
	for d := p.D; ; {
		pl := d.place.Load()
		if pl.parent == nil {
			return joinReverse(names)
		}
		names = append(names, pl.name)
		d = pl.parent
	}
}

func joinReverse(names []string) string {
	if len(names) == 0 {
		return "/"
	}
	n := 0
	for _, s := range names {
		n += 1 + len(s)
	}
	b := make([]byte, 0, n)
	for _, s := range slices.Backward(names) {
		b = append(append(b, '/'), s...)
	}
	return string(b)
}
