package vfs

import (
	"slices"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
)

// mount(2), umount2(2) and pivot_root(2): checks in Linux's order, then the tree in
// mount.go changes.

// MountArgs are the arguments of mount(2).
type MountArgs struct {
	Source    string
	HasSource bool // not the null pointer
	Target    []byte
	Type      string
	HasType   bool
	Flags     uint64
	Data      string
}

// superFlags are the flags of mount(2) that belong to the file system, not the mount.
const superFlags = unix.MS_SYNCHRONOUS | unix.MS_MANDLOCK | unix.MS_DIRSYNC | unix.MS_LAZYTIME

// noUser is MS_NOUSER, which only the kernel uses.
const noUser = 1 << 31

const propagation = unix.MS_SHARED | unix.MS_PRIVATE | unix.MS_SLAVE | unix.MS_UNBINDABLE

// MountAt is mount(2).
func MountAt(c *Context, a *MountArgs) error {
	target, err := Lookup(c, unix.AT_FDCWD, a.Target, Follow)
	if err != nil {
		return err
	}
	flags := a.Flags
	if flags&unix.MS_MGC_MSK == unix.MS_MGC_VAL {
		flags &^= unix.MS_MGC_MSK
	}
	if flags&noUser != 0 {
		return unix.EINVAL
	}
	if !c.mayMount() {
		return unix.EPERM
	}
	mnt := uint32(flags) & (mntFlags &^ MntRelAtime)
	if flags&unix.MS_NOATIME == 0 {
		mnt |= MntRelAtime
	}
	if flags&unix.MS_STRICTATIME != 0 {
		mnt &^= MntRelAtime | MntNoAtime
	}
	const atime = unix.MS_NOATIME | unix.MS_NODIRATIME | unix.MS_RELATIME | unix.MS_STRICTATIME
	if flags&unix.MS_REMOUNT != 0 && flags&atime == 0 { // they stay as they are
		mnt = mnt&^mntAtimeFlags | target.Mnt.Flags()&mntAtimeFlags
	}
	switch {
	case flags&unix.MS_REMOUNT != 0 && flags&unix.MS_BIND != 0:
		return remountBind(c, target, mnt)
	case flags&unix.MS_REMOUNT != 0:
		return remount(c, target, mnt, flags, a.Data)
	case flags&unix.MS_BIND != 0:
		return bind(c, target, a.Source, flags&unix.MS_REC != 0)
	case flags&propagation != 0:
		return changePropagation(c, target, flags)
	case flags&unix.MS_MOVE != 0:
		return moveMount(c, target, a.Source)
	}
	return mountNew(c, target, a, mnt, flags)
}

// mayMount reports whether c may change the mounts of its namespace.
func (c *Context) mayMount() bool {
	return c.Cred.CapableIn(c.FS.Namespace().Owner, unix.CAP_SYS_ADMIN)
}

// mayUse is the user namespace that an instance of the file system which c makes belongs to:
// EPERM where c has no CAP_SYS_ADMIN in it.
func (t *FSType) mayUse(c *Context) (*cred.UserNS, error) {
	user := c.Cred.User
	if t.For != nil {
		user = t.For(c)
	}
	if !c.Cred.CapableIn(user, unix.CAP_SYS_ADMIN) || !t.ForUsers && !c.Capable(unix.CAP_SYS_ADMIN) {
		return nil, unix.EPERM
	}
	return user, nil
}

// reveals reports whether a new mount of the type with flags would show more than the mounts
// of it that the namespace has, in which something may be covered for good.
func (t *FSType) reveals(ns *MountNS, flags uint32) bool {
	if !t.Revealing || ns.Owner == nil {
		return false
	}
	mountMu.RLock()
	defer mountMu.RUnlock()
	return !slices.ContainsFunc(ns.mounts, func(m *Mount) bool {
		lockedIn := m.lockedIn & (MntReadOnly | mntAtimeFlags)
		if m.SB.ReadOnly() {
			lockedIn |= MntReadOnly
		}
		return m.SB.Type == t && m.Root == m.SB.Root && !m.hides() &&
			lockedIn&MntReadOnly&^flags == 0 && (flags^m.Flags())&lockedIn&mntAtimeFlags == 0
	})
}

// mountNew mounts a new instance of a file system.
func mountNew(c *Context, target Path, a *MountArgs, mnt uint32, flags uint64) error {
	if !a.HasType {
		return unix.EINVAL
	}
	t, err := FindFS(a.Type)
	if err != nil {
		return err
	}
	source := a.Source
	if !a.HasSource {
		if !t.NoDevice {
			return unix.EINVAL
		}
		source = "none"
	}
	user, err := t.mayUse(c)
	if err != nil {
		return err
	}
	sb, err := t.Mount(c, source, mnt&MntReadOnly != 0, a.Data)
	if err != nil {
		return err
	}
	if t.reveals(c.FS.Namespace(), mnt) {
		if sb.mounts.Load() == 0 {
			sb.Ops.Release()
		}
		return unix.EPERM
	}
	if sb.mounts.Load() == 0 {
		sb.User = user
		sb.flags.Store(uint32(flags) & superFlags)
		sb.readOnly.Store(mnt&MntReadOnly != 0)
	}
	if err := mountSuper(c, sb, source, target, mnt); err != nil {
		if sb.mounts.Load() == 0 {
			sb.Ops.Release()
		}
		return err
	}
	return nil
}

// here reports whether m is in c's namespace, with mountMu held.
func (m *Mount) here(c *Context) bool { return m.ns != nil && m.ns == c.FS.Namespace() }

// In reports whether m is in ns.
func (m *Mount) In(ns *MountNS) bool {
	mountMu.RLock()
	defer mountMu.RUnlock()
	return m.ns == ns
}

// remountBind changes the flags of one mount alone.
func remountBind(c *Context, p Path, mnt uint32) error {
	mountMu.Lock()
	defer mountMu.Unlock()
	if !p.Mnt.here(c) || p.D != p.Mnt.Root {
		return unix.EINVAL
	}
	if !p.Mnt.keepsLocks(mnt) {
		return unix.EPERM
	}
	return p.Mnt.setFlags(mnt)
}

// setFlags changes a mount's flags, with mountMu held: EBUSY where it would become
// read-only while files are open for writing through it.
func (m *Mount) setFlags(flags uint32) error {
	old := m.flags.Swap(flags)
	if flags&^old&MntReadOnly != 0 && m.writers.Load() > 0 {
		m.flags.Store(old)
		return unix.EBUSY
	}
	if m.ns != nil {
		m.ns.changed()
	}
	return nil
}

// remount changes the options of the file system at p, and the flags of its mount.
func remount(c *Context, p Path, mnt uint32, flags uint64, data string) error {
	mountMu.RLock()
	ok, locks := p.Mnt.here(c) && p.D == p.Mnt.Root, p.Mnt.keepsLocks(mnt)
	mountMu.RUnlock()
	if !ok {
		return unix.EINVAL
	}
	sb, readOnly := p.Mnt.SB, mnt&MntReadOnly != 0
	if !locks || !c.Cred.CapableIn(sb.User, unix.CAP_SYS_ADMIN) {
		return unix.EPERM
	}
	was := sb.readOnly.Swap(readOnly)
	if readOnly && !was && sb.writers.Load() > 0 {
		sb.readOnly.Store(false)
		return unix.EBUSY
	}
	if err := sb.Ops.Remount(c, readOnly, data); err != nil {
		sb.readOnly.Store(was)
		return err
	}
	sb.flags.Store(uint32(flags) & superFlags)
	mountMu.Lock()
	defer mountMu.Unlock()
	return p.Mnt.setFlags(mnt)
}

// bind shows what is at source at target too.
func bind(c *Context, target Path, source string, deep bool) error {
	if source == "" {
		return unix.EINVAL
	}
	from, err := Lookup(c, unix.AT_FDCWD, []byte(source), Follow)
	if err != nil {
		return err
	}
	mountMu.Lock()
	defer mountMu.Unlock()
	target = top(target)
	if err := target.mayMount(); err != nil {
		return err
	}
	if from.Mnt.unbind || !target.Mnt.here(c) || !from.Mnt.here(c) || !deep && from.Mnt.hidesBelow(from.D) {
		return unix.EINVAL
	}
	if from.Inode().IsDir() != target.Inode().IsDir() {
		return unix.ENOTDIR
	}
	n := from.Mnt.cloneTree(from.D, deep, false, nil)
	n.locked = false
	n.attachShared(target)
	return nil
}

// mayMount checks that something can be mounted at p.
func (p Path) mayMount() error {
	if p.Inode() == nil || p.D.Unlinked() || p.Inode().Dead() {
		return unix.ENOENT
	}
	return nil
}

// moveMount moves the mount at source to target.
func moveMount(c *Context, target Path, source string) error {
	if source == "" {
		return unix.EINVAL
	}
	from, err := Lookup(c, unix.AT_FDCWD, []byte(source), Follow)
	if err != nil {
		return err
	}
	mountMu.Lock()
	defer mountMu.Unlock()
	target = top(target)
	if err := target.mayMount(); err != nil {
		return err
	}
	m := from.Mnt
	switch {
	case !target.Mnt.here(c), !m.here(c), from.D != m.Root, m.parent == nil, m.locked,
		from.Inode().IsDir() != target.Inode().IsDir(),
		m.parent.peers != nil,
		target.Mnt.peers != nil && hasUnbindable(m):
		return unix.EINVAL
	}
	for up := target.Mnt; up != nil; up = up.parent {
		if up == m {
			return unix.ELOOP
		}
	}
	m.detach()
	m.attachShared(target)
	return nil
}

func hasUnbindable(m *Mount) bool {
	for _, t := range m.subtree() {
		if t.unbind {
			return true
		}
	}
	return false
}

// Flags of umount2(2).
const umountFlags = unix.MNT_FORCE | unix.MNT_DETACH | unix.MNT_EXPIRE | unix.UMOUNT_NOFOLLOW

// Umount is umount2(2).
func Umount(c *Context, name []byte, flags uint32) error {
	if flags&^umountFlags != 0 {
		return unix.EINVAL
	}
	look := Follow | noExpire
	if flags&unix.UMOUNT_NOFOLLOW != 0 {
		look = noExpire
	}
	p, err := Lookup(c, unix.AT_FDCWD, name, look)
	if err != nil {
		return err
	}
	if !c.mayMount() {
		return unix.EPERM
	}
	gone, err := p.umount(c, flags)
	releaseUnused(gone)
	return err
}

// umount takes the mount whose root is p out of the tree, and returns what has gone.
func (p Path) umount(c *Context, flags uint32) ([]*Mount, error) {
	root := c.FS.Root()
	mountMu.Lock()
	defer mountMu.Unlock()
	m := p.Mnt
	switch {
	case p.D != m.Root || !m.here(c) || m.locked:
		return nil, unix.EINVAL
	case flags&unix.MNT_FORCE != 0 && !c.Capable(unix.CAP_SYS_ADMIN):
		return nil, unix.EPERM
	}
	lazy := flags&unix.MNT_DETACH != 0
	if flags&unix.MNT_EXPIRE != 0 {
		switch {
		case m == root.Mnt || flags&(unix.MNT_FORCE|unix.MNT_DETACH) != 0:
			return nil, unix.EINVAL
		case m.users.Load() > 0 || len(m.children) > 0:
			return nil, unix.EBUSY
		case !m.expired.Swap(true):
			return nil, unix.EAGAIN
		}
	}
	if m == root.Mnt && !lazy {
		// "Unmounting" the root only makes it read-only.
		if m.SB.writers.Load() > 0 {
			return nil, unix.EBUSY
		}
		m.SB.readOnly.Store(true)
		return nil, nil
	}
	if m.parent == nil { // the root of the namespace cannot go
		return nil, unix.EINVAL
	}
	list := []*Mount{m}
	for _, to := range m.parent.receivers() {
		if x := to.children[m.point]; x != nil {
			list = append(list, x)
		}
	}
	if !lazy {
		for k, x := range list {
			if len(x.children) > 0 && k == 0 || len(x.children) == 0 && x.users.Load() > 0 {
				return nil, unix.EBUSY
			}
		}
	}
	var gone []*Mount
	for k, x := range list {
		if !lazy && k > 0 && len(x.children) > 0 {
			continue // something is mounted there: it stays (mount_namespaces(7))
		}
		sub := x.subtree()
		for i := len(sub) - 1; i >= 0; i-- {
			sub[i].takeOut()
			gone = append(gone, sub[i])
		}
	}
	return gone, nil
}

// PivotRoot is pivot_root(2): it puts the mount newRoot at the root of the namespace
// and the mount that was there at putOld, and takes everybody along whose root or
// working directory was the old root.
func PivotRoot(c *Context, newRoot, putOld []byte) error {
	if !c.mayMount() {
		return unix.EPERM
	}
	to, err := Lookup(c, unix.AT_FDCWD, newRoot, Follow|MustBeDir)
	if err != nil {
		return err
	}
	put, err := Lookup(c, unix.AT_FDCWD, putOld, Follow|MustBeDir)
	if err != nil {
		return err
	}
	root := c.FS.Root()
	if err := pivot(c, root, to, put); err != nil {
		return err
	}
	c.FS.Namespace().moveViews(root, to)
	return nil
}

func pivot(c *Context, root, to, put Path) error {
	mountMu.Lock()
	defer mountMu.Unlock()
	put = top(put)
	if err := put.mayMount(); err != nil {
		return err
	}
	shared := func(m *Mount) bool { return m != nil && m.peers != nil }
	switch {
	case shared(put.Mnt), shared(to.Mnt.parent), shared(root.Mnt.parent), !root.Mnt.here(c), !to.Mnt.here(c), to.Mnt.locked:
		return unix.EINVAL
	case to.D.Unlinked():
		return unix.ENOENT
	case to.Mnt == root.Mnt, put.Mnt == root.Mnt:
		return unix.EBUSY
	case root.D != root.Mnt.Root, root.Mnt.parent == nil, to.D != to.Mnt.Root, to.Mnt.parent == nil,
		!put.below(to), !to.below(root):
		return unix.EINVAL
	}
	at := Path{root.Mnt.parent, root.Mnt.point}
	to.Mnt.locked, root.Mnt.locked = root.Mnt.locked, false
	to.Mnt.detach()
	root.Mnt.detach()
	to.Mnt.attach(at)
	root.Mnt.attach(put)
	return nil
}

// below reports whether p is dir or in its tree, with mountMu held.
func (p Path) below(dir Path) bool {
	for p.Mnt != dir.Mnt {
		if p.Mnt.parent == nil {
			return false
		}
		p = Path{p.Mnt.parent, p.Mnt.point}
	}
	return dir.D.isAncestor(p.D)
}

// mountPoint reports whether something is mounted on d in c's namespace: then its name
// stays. Mounts of other namespaces do not keep it (mount_namespaces(7), "Restrictions on
// mount namespaces").
func (d *Dentry) mountPoint(c *Context) bool {
	if d.mounted.Load() == 0 {
		return false
	}
	mountMu.RLock()
	defer mountMu.RUnlock()
	ns := c.FS.Namespace()
	return slices.ContainsFunc(mountPoints[d], func(m *Mount) bool { return m.ns == ns })
}

// unmountAll takes off what is mounted on a name that has been removed.
func (d *Dentry) unmountAll() {
	if d.mounted.Load() == 0 {
		return
	}
	var gone []*Mount
	mountMu.Lock()
	for _, m := range mountPoints[d] {
		gone = append(gone, m.subtree()...)
	}
	for _, m := range slices.Backward(gone) {
		m.takeOut()
	}
	mountMu.Unlock()
	releaseUnused(gone)
}
