package vfs

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
)

// Access is what somebody wants to do with a file: a sum of these, which are access(2)'s.
type Access uint8

const (
	MayExec  Access = 1 // execute, or search a directory
	MayWrite Access = 2
	MayRead  Access = 4
)

// Permit answers EACCES where the context may not do all of want with the inode, and
// EROFS where it wants to write and the file system is read-only (path_resolution(7),
// capabilities(7)).
func (i *Inode) Permit(c *Context, want Access) error {
	if want&MayWrite != 0 && i.SB.ReadOnly() {
		switch i.Type() {
		case unix.S_IFREG, unix.S_IFDIR, unix.S_IFLNK:
			return unix.EROFS
		}
	}
	if handled, err := i.Ops.Permission(c, i, want); handled {
		return err
	}
	return i.PermitMode(c, want)
}

// PermitMode is Permit by mode bits, access control list and capabilities alone.
func (i *Inode) PermitMode(c *Context, want Access) error {
	mode := i.mode.Load()
	bits := mode
	switch {
	case c.Cred.FSUID == i.uid.Load():
		bits >>= 6
	case mode&0o070 != 0 && i.acl.Load() != nil: // without the mask's bits nobody has more than others
		bits = 0
		if i.acl.Load().permits(c, i, want) {
			return nil
		}
	case mode>>3&7 != mode&7 && c.Cred.InGroup(i.gid.Load()):
		bits >>= 3
	}
	if want&^Access(bits&7) == 0 {
		return nil
	}
	if mode&unix.S_IFMT == unix.S_IFDIR {
		if want&MayWrite == 0 && i.capable(c, unix.CAP_DAC_READ_SEARCH) || i.capable(c, unix.CAP_DAC_OVERRIDE) {
			return nil
		}
		return unix.EACCES
	}
	if want == MayRead && i.capable(c, unix.CAP_DAC_READ_SEARCH) {
		return nil
	}
	if (want&MayExec == 0 || mode&0o111 != 0) && i.capable(c, unix.CAP_DAC_OVERRIDE) {
		return nil
	}
	return unix.EACCES
}

// capable reports whether c has a capability with regard to the file: effective in its user
// namespace, which knows owner and group (user_namespaces(7), "Operations on file-related
// capabilities").
func (i *Inode) capable(c *Context, capability int) bool {
	return c.Cred.CapableHere(capability) && (c.Cred.User == nil ||
		c.Cred.User.Has(cred.UserIDs, i.uid.Load()) && c.Cred.User.Has(cred.GroupIDs, i.gid.Load()))
}

// PermitAt is Permit of the inode at p for somebody who comes through p's mount.
func (p Path) PermitAt(c *Context, want Access) error {
	i := p.Inode()
	if want&MayExec != 0 && i.Type() == unix.S_IFREG && p.Mnt.Flags()&MntNoExec != 0 {
		return unix.EACCES
	}
	if err := i.Permit(c, want); err != nil {
		return err
	}
	if want&MayWrite != 0 && p.Mnt.ReadOnly() {
		switch i.Type() {
		case unix.S_IFREG, unix.S_IFDIR, unix.S_IFLNK:
			return unix.EROFS
		}
	}
	return nil
}

// mayCreate checks that a name can be added to a directory.
func mayCreate(c *Context, dir *Inode) error {
	if dir.Dead() {
		return unix.ENOENT
	}
	if !dir.SB.User.Has(cred.UserIDs, c.Cred.FSUID) || !dir.SB.User.Has(cred.GroupIDs, c.Cred.FSGID) {
		return unix.EOVERFLOW // the file system could not say whose the file is
	}
	return dir.Permit(c, MayWrite|MayExec)
}

// mayDelete checks that the name of victim can be removed from dir, as a directory or
// as anything else, in the order of Linux.
func mayDelete(c *Context, dir *Inode, d *Dentry, asDir bool) error {
	victim := d.Inode()
	if err := dir.Permit(c, MayWrite|MayExec); err != nil {
		return err
	}
	if dir.mode.Load()&unix.S_ISVTX != 0 && c.Cred.FSUID != victim.UID() && c.Cred.FSUID != dir.UID() &&
		!victim.capable(c, unix.CAP_FOWNER) {
		return unix.EPERM
	}
	switch {
	case asDir && !victim.IsDir():
		return unix.ENOTDIR
	case asDir && d.Parent() == nil:
		return unix.EBUSY
	case !asDir && victim.IsDir():
		return unix.EISDIR
	case dir.Dead():
		return unix.ENOENT
	}
	return nil
}

// What /proc/sys/fs/protected_* hold: proc(5). They begin as Debian's kernel has them.
var (
	ProtectedSymlinks  atomic.Int32
	ProtectedHardlinks atomic.Int32
	ProtectedFIFOs     atomic.Int32
	ProtectedRegular   atomic.Int32
)

func init() {
	ProtectedSymlinks.Store(1)
	ProtectedHardlinks.Store(1)
}

// mayFollow refuses symbolic links at the end of a path that somebody else has put into
// a sticky directory that everybody may write (protected_symlinks).
func mayFollow(c *Context, dir, link *Inode) error {
	const trap = unix.S_ISVTX | unix.S_IWOTH
	if dir.Mode()&trap != trap || ProtectedSymlinks.Load() == 0 {
		return nil
	}
	if owner := link.UID(); owner == c.Cred.FSUID || owner == dir.UID() {
		return nil
	}
	return unix.EACCES
}

// mayLink refuses hard links to others' files that the caller could not also write, or
// that would keep privileges (protected_hardlinks).
func mayLink(c *Context, i *Inode) error {
	if ProtectedHardlinks.Load() == 0 || i.Owned(c) {
		return nil
	}
	mode := i.Mode()
	privileged := mode&unix.S_ISUID != 0 || mode&unix.S_ISGID != 0 && mode&unix.S_IXGRP != 0
	if i.Type() == unix.S_IFREG && !privileged && i.Permit(c, MayRead|MayWrite) == nil {
		return nil
	}
	return unix.EPERM
}

// mayCreateInSticky refuses O_CREAT on files that somebody else has put into a sticky
// directory (protected_fifos, protected_regular).
func mayCreateInSticky(c *Context, dir, i *Inode) error {
	mode, owner := dir.Mode(), i.UID()
	if mode&unix.S_ISVTX == 0 || owner == dir.UID() || owner == c.Cred.FSUID {
		return nil
	}
	level := int32(1)
	switch i.Type() {
	case unix.S_IFIFO:
		level = ProtectedFIFOs.Load()
	case unix.S_IFREG:
		level = ProtectedRegular.Load()
	}
	if level == 0 || mode&unix.S_IWOTH == 0 && (mode&unix.S_IWGRP == 0 || level < 2) {
		return nil
	}
	return unix.EACCES
}
