package vfs

import (
	"strconv"

	"golang.org/x/sys/unix"
)

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

// inherit completes the description of a file about to be made in a directory: owner and
// group, with the directory's set-group-ID bit (inode(7), "S_ISGID"), and what umask or the
// directory's default access control list leave of the mode (acl(5)). It returns what is to
// be done to the inode before others see it.
func inherit(c *Context, dir *Inode, n *NewNode) (finish func(i *Inode)) {
	n.UID, n.GID = c.Cred.FSUID, c.Cred.FSGID
	if dir.Mode()&unix.S_ISGID != 0 {
		inheritGroup(c, dir, n)
	}
	finish = func(*Inode) {}
	kind := n.Mode & unix.S_IFMT
	if kind == unix.S_IFLNK {
		return finish
	}
	list := dir.defaultACL.Load()
	if list == nil {
		n.Mode &^= c.FS.Umask()
		return finish
	}
	var own *acl
	own, n.Mode = list.forNew(n.Mode)
	return func(i *Inode) {
		i.acl.Store(own)
		if kind == unix.S_IFDIR {
			i.defaultACL.Store(list)
		}
	}
}

func inheritGroup(c *Context, dir *Inode, n *NewNode) {
	n.GID = dir.GID()
	switch {
	case n.Mode&unix.S_IFMT == unix.S_IFDIR:
		n.Mode |= unix.S_ISGID
	case n.Mode&(unix.S_ISGID|unix.S_IXGRP) == unix.S_ISGID|unix.S_IXGRP &&
		!c.Cred.InGroup(n.GID) && !dir.capable(c, unix.CAP_FSETID):
		n.Mode &^= unix.S_ISGID
	}
}

// makeNode makes the file behind the negative dentry d in dir, whose Mu is held for
// writing.
func makeNode(c *Context, dir *Dentry, d *Dentry, n *NewNode) error {
	di := dir.Inode()
	if err := mayCreate(c, di); err != nil {
		return err
	}
	finish := inherit(c, di, n)
	i, err := di.Ops.Create(c, di, d.Name(), n)
	if err != nil {
		return err
	}
	finish(i)
	if i.IsDir() {
		di.link(1)
	}
	di.modified()
	d.instantiate(i)
	dir.notifyChild(InCreate, d, 0)
	return nil
}

// createIn walks to the directory of name, and calls f with it locked and the negative
// dentry of the new name. It makes the checks that all calls share which make a name.
func createIn(c *Context, dirfd int, name []byte, isDir bool, f func(dir Path, d *Dentry) error) error {
	var w walker
	if err := w.start(c, dirfd, name, 0); err != nil {
		return err
	}
	l, err := w.parent(name)
	if err != nil {
		return err
	}
	if l.kind != normal {
		return unix.EEXIST
	}
	dir := w.at.Inode()
	dir.Mu.Lock()
	defer dir.Mu.Unlock()
	d, err := lookupLocked(c, w.at.D, l.name)
	switch {
	case err != nil:
		return err
	case d.Inode() != nil:
		return unix.EEXIST
	case l.slash && !isDir:
		return unix.ENOENT
	case w.at.Mnt.ReadOnly():
		return unix.EROFS
	}
	return f(w.at, d)
}

// Mknod makes a file of any type but a directory or symbolic link: mknodat(2). mode
// has type and permissions; no type means a regular file.
func Mknod(c *Context, dirfd int, name []byte, mode uint32, rdev uint64) error {
	switch mode & unix.S_IFMT {
	case 0:
		mode |= unix.S_IFREG
	case unix.S_IFREG, unix.S_IFIFO, unix.S_IFSOCK, unix.S_IFCHR, unix.S_IFBLK:
	case unix.S_IFDIR:
		return unix.EPERM
	default:
		return unix.EINVAL
	}
	return createIn(c, dirfd, name, false, func(dir Path, d *Dentry) error {
		n := NewNode{Mode: mode & (unix.S_IFMT | 0o7777)}
		switch mode & unix.S_IFMT {
		case unix.S_IFCHR, unix.S_IFBLK:
			if err := mayCreate(c, dir.Inode()); err != nil {
				return err
			}
			// A whiteout (character device 0:0) needs no privilege.
			if !(mode&unix.S_IFMT == unix.S_IFCHR && rdev == 0) && !c.Capable(unix.CAP_MKNOD) {
				return unix.EPERM
			}
			n.Rdev = rdev
		}
		return makeNode(c, dir.D, d, &n)
	})
}

// MakeSocket makes the socket file of a bind(2) and returns where it is. umask counts even
// where the directory has a default access control list, as on Linux.
func MakeSocket(c *Context, name []byte, mode uint32) (p Path, err error) {
	err = createIn(c, unix.AT_FDCWD, name, false, func(dir Path, d *Dentry) error {
		p = Path{dir.Mnt, d}
		return makeNode(c, dir.D, d, &NewNode{Mode: unix.S_IFSOCK | mode&0o7777&^c.FS.Umask()})
	})
	return p, err
}

// Mkdir makes a directory: mkdirat(2).
func Mkdir(c *Context, dirfd int, name []byte, mode uint32) error {
	return createIn(c, dirfd, name, true, func(dir Path, d *Dentry) error {
		return makeNode(c, dir.D, d, &NewNode{Mode: unix.S_IFDIR | mode&0o1777})
	})
}

// Symlink makes a symbolic link: symlinkat(2).
func Symlink(c *Context, target string, dirfd int, name []byte) error {
	if target == "" {
		return unix.ENOENT
	}
	return createIn(c, dirfd, name, false, func(dir Path, d *Dentry) error {
		return makeNode(c, dir.D, d, &NewNode{Mode: unix.S_IFLNK | 0o777, Target: target})
	})
}

// maxLink is the largest number of names of a file; further ones answer EMLINK.
const maxLink = 1 << 30

// Link gives a file a further name: linkat(2). flags may have Follow and AllowEmpty.
func Link(c *Context, oldfd int, oldName []byte, newfd int, newName []byte, flags LookupFlags) error {
	if flags&AllowEmpty != 0 && !c.Capable(unix.CAP_DAC_READ_SEARCH) {
		return unix.ENOENT
	}
	old, err := Lookup(c, oldfd, oldName, flags)
	if err != nil {
		return err
	}
	return createIn(c, newfd, newName, false, func(dir Path, d *Dentry) error {
		if dir.Mnt != old.Mnt {
			return unix.EXDEV
		}
		i, di := old.Inode(), dir.Inode()
		if err := mayLink(c, i); err != nil {
			return err
		}
		if err := mayCreate(c, di); err != nil {
			return err
		}
		if i.IsDir() {
			return unix.EPERM
		}
		i.Mu.Lock()
		defer i.Mu.Unlock()
		if i.Dead() && !i.linkable {
			return unix.ENOENT
		}
		if i.Nlink() >= maxLink {
			return unix.EMLINK
		}
		if err := di.Ops.Link(c, di, d.Name(), i); err != nil {
			return err
		}
		i.link(1)
		i.linkable = false
		di.modified()
		d.instantiate(i)
		i.notifySelf(InAttrib)
		dir.D.notifyChild(InCreate, d, 0)
		return nil
	})
}

// parentOf walks to the directory of name, for the calls that remove names.
func parentOf(c *Context, dirfd int, name []byte) (Path, last, error) {
	var w walker
	if err := w.start(c, dirfd, name, 0); err != nil {
		return Path{}, last{}, err
	}
	l, err := w.parent(name)
	return w.at, l, err
}

// Unlink removes a name that is no directory: unlinkat(2).
func Unlink(c *Context, dirfd int, name []byte) error {
	dir, l, err := parentOf(c, dirfd, name)
	if err != nil {
		return err
	}
	if l.kind != normal {
		return unix.EISDIR
	}
	if dir.Mnt.ReadOnly() {
		return unix.EROFS
	}
	di := dir.Inode()
	di.Mu.Lock()
	defer di.Mu.Unlock()
	d, err := lookupLocked(c, dir.D, l.name)
	if err != nil {
		return err
	}
	i := d.Inode()
	switch {
	case i == nil:
		return unix.ENOENT
	case l.slash && i.IsDir():
		return unix.EISDIR
	case l.slash:
		return unix.ENOTDIR
	}
	if err := mayDelete(c, di, d, false); err != nil {
		return err
	}
	if d.mountPoint(c) {
		return unix.EBUSY
	}
	if err := di.Ops.Unlink(c, di, d.Name(), i); err != nil {
		return err
	}
	d.forget()
	d.unmountAll()
	di.modified()
	i.notifySelf(InAttrib)
	i.link(-1)
	dir.D.notifyChild(InDelete, d, 0)
	return nil
}

// Rmdir removes an empty directory: unlinkat(2) with AT_REMOVEDIR.
func Rmdir(c *Context, dirfd int, name []byte) error {
	dir, l, err := parentOf(c, dirfd, name)
	if err != nil {
		return err
	}
	switch l.kind {
	case dotdot:
		return unix.ENOTEMPTY
	case dot:
		return unix.EINVAL
	case rootDir:
		return unix.EBUSY
	}
	if dir.Mnt.ReadOnly() {
		return unix.EROFS
	}
	di := dir.Inode()
	di.Mu.Lock()
	defer di.Mu.Unlock()
	d, err := lookupLocked(c, dir.D, l.name)
	if err != nil {
		return err
	}
	i := d.Inode()
	if i == nil {
		return unix.ENOENT
	}
	if err := mayDelete(c, di, d, true); err != nil {
		return err
	}
	if d.mountPoint(c) {
		return unix.EBUSY
	}
	i.Mu.Lock()
	defer i.Mu.Unlock()
	if err := di.Ops.Rmdir(c, di, d.Name(), i); err != nil {
		return err
	}
	d.forget()
	d.unmountAll()
	di.modified()
	di.link(-1)
	i.link(-int(i.Nlink()))
	dir.D.notifyChild(InDelete, d, 0)
	return nil
}

// lockPair locks two directories for writing: the ancestor first, others by the
// address order of their inode numbers; with sb.renameMu held where they differ.
func lockPair(a, b *Dentry) {
	ai, bi := a.Inode(), b.Inode()
	switch {
	case ai == bi:
		ai.Mu.Lock()
	case b.isAncestor(a), !a.isAncestor(b) && bi.Ino < ai.Ino:
		bi.Mu.Lock()
		ai.Mu.Lock()
	default:
		ai.Mu.Lock()
		bi.Mu.Lock()
	}
}

func unlockPair(a, b *Dentry) {
	ai, bi := a.Inode(), b.Inode()
	ai.Mu.Unlock()
	if ai != bi {
		bi.Mu.Unlock()
	}
}

// CheckRenameFlags answers EINVAL to flags of renameat2(2) that do not go together.
func CheckRenameFlags(flags uint32) error {
	const exchange, noReplace, whiteout = unix.RENAME_EXCHANGE, unix.RENAME_NOREPLACE, unix.RENAME_WHITEOUT
	if flags&^(exchange|noReplace|whiteout) != 0 || flags&exchange != 0 && flags&(noReplace|whiteout) != 0 {
		return unix.EINVAL
	}
	return nil
}

// Rename moves a name: renameat2(2). flags have passed CheckRenameFlags.
func Rename(c *Context, oldfd int, oldName []byte, newfd int, newName []byte, flags uint32) error {
	exchange := flags&unix.RENAME_EXCHANGE != 0
	noReplace := flags&unix.RENAME_NOREPLACE != 0
	from, ol, err := parentOf(c, oldfd, oldName)
	if err != nil {
		return err
	}
	to, nl, err := parentOf(c, newfd, newName)
	if err != nil {
		return err
	}
	switch {
	case from.Mnt != to.Mnt:
		return unix.EXDEV
	case ol.kind != normal:
		return unix.EBUSY
	case nl.kind != normal && noReplace:
		return unix.EEXIST
	case nl.kind != normal:
		return unix.EBUSY
	case from.Mnt.ReadOnly():
		return unix.EROFS
	}
	if from.D != to.D {
		sb := from.D.sb
		sb.renameMu.Lock()
		defer sb.renameMu.Unlock()
	}
	lockPair(from.D, to.D)
	defer unlockPair(from.D, to.D)

	source, err := lookupLocked(c, from.D, ol.name)
	if err != nil {
		return err
	}
	if source.Inode() == nil {
		return unix.ENOENT
	}
	target, err := lookupLocked(c, to.D, nl.name)
	if err != nil {
		return err
	}
	si, ti := source.Inode(), target.Inode()
	switch {
	case noReplace && ti != nil:
		return unix.EEXIST
	case exchange && ti == nil:
		return unix.ENOENT
	case exchange && !ti.IsDir() && nl.slash:
		return unix.ENOTDIR
	case !si.IsDir() && (ol.slash || !exchange && nl.slash):
		return unix.ENOTDIR
	case source.isAncestor(to.D):
		return unix.EINVAL
	case ti != nil && target.isAncestor(from.D):
		if exchange {
			return unix.EINVAL
		}
		return unix.ENOTEMPTY
	case si == ti:
		return nil // two names of one file: rename(2)
	}
	oldName = ol.name
	if err := renameLocked(c, from.D, source, to.D, target, exchange); err != nil || flags&unix.RENAME_WHITEOUT == 0 {
		return err
	}
	return whiteout(c, from.D, oldName)
}

// renameLocked does the rename once names are found and directories locked.
func renameLocked(c *Context, from, source, to, target *Dentry, exchange bool) error {
	fi, ti := from.Inode(), to.Inode()
	si, vi := source.Inode(), target.Inode()
	if err := mayDelete(c, fi, source, si.IsDir()); err != nil {
		return err
	}
	switch {
	case vi == nil:
		if err := mayCreate(c, ti); err != nil {
			return err
		}
	case exchange:
		if err := mayDelete(c, ti, target, vi.IsDir()); err != nil {
			return err
		}
	default:
		if err := mayDelete(c, ti, target, si.IsDir()); err != nil {
			return err
		}
	}
	if fi != ti {
		// A directory that moves gets another "..": that is a write to it.
		if si.IsDir() {
			if err := si.Permit(c, MayWrite); err != nil {
				return err
			}
		}
		if exchange && vi.IsDir() {
			if err := vi.Permit(c, MayWrite); err != nil {
				return err
			}
		}
	}
	if source.mountPoint(c) || target.mountPoint(c) {
		return unix.EBUSY
	}
	if vi != nil {
		vi.Mu.Lock()
		defer vi.Mu.Unlock()
	}
	oldName, newName := source.Name(), target.Name()
	if err := fi.Ops.Rename(c, fi, oldName, ti, newName, si, vi, exchange); err != nil {
		return err
	}
	renames.Add(1)
	if exchange {
		swapPlaces(source, target)
	} else {
		target.forget()
		source.move(to, newName)
		target.unmountAll()
	}
	renames.Add(1)

	if fi != ti {
		if si.IsDir() {
			fi.link(-1)
			ti.link(1)
		}
		if exchange && vi.IsDir() {
			ti.link(-1)
			fi.link(1)
		}
	}
	fi.modified()
	ti.modified()
	si.changed()
	if exchange {
		vi.changed()
		notifyMove(from, oldName, to, newName, source, nil)
		notifyMove(to, newName, from, oldName, target, nil)
		return nil
	}
	notifyMove(from, oldName, to, newName, source, vi)
	switch {
	case vi == nil:
	case vi.IsDir():
		ti.link(-1)
		vi.link(-int(vi.Nlink()))
	default:
		vi.link(-1)
	}
	return nil
}

// whiteout leaves a character device 0:0 at the name that a rename has freed: it hides
// the name in the lower layer of an overlay.
func whiteout(c *Context, dir *Dentry, name []byte) error {
	d, err := lookupLocked(c, dir, name)
	if err != nil {
		return err
	}
	return makeNode(c, dir, d, &NewNode{Mode: unix.S_IFCHR})
}

// swapPlaces exchanges two dentries in the cache.
func swapPlaces(a, b *Dentry) {
	pa, pb := a.place.Load(), b.place.Load()
	a.forget()
	b.forget()
	a.put(pb)
	b.put(pa)
}

// Readlink is the target of the symbolic link that name is: readlinkat(2). An empty
// name is the descriptor itself.
func Readlink(c *Context, dirfd int, name []byte) (string, error) {
	p, err := Lookup(c, dirfd, name, AllowEmpty)
	if err != nil {
		return "", err
	}
	i := p.Inode()
	if i.Type() != unix.S_IFLNK {
		if len(name) == 0 {
			return "", unix.ENOENT
		}
		return "", unix.EINVAL
	}
	i.accessedAt(p.Mnt)
	if i.Target != nil {
		return string(i.Target), nil
	}
	return i.Ops.Readlink(c, i)
}
