package vfs

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Extended attributes: xattr(7). The file system says which names it has; here are the
// permissions that do not depend on it.

// xattrPermit checks access to an attribute by its namespace.
func (i *Inode) xattrPermit(c *Context, name string, want Access) error {
	refused := unix.ENODATA
	if want&MayWrite != 0 {
		refused = unix.EPERM
	}
	switch {
	case strings.HasPrefix(name, "security."), strings.HasPrefix(name, "system."):
		return nil // for security modules and file systems to judge
	case strings.HasPrefix(name, "trusted."):
		if !c.Capable(unix.CAP_SYS_ADMIN) {
			return refused
		}
		return nil
	case strings.HasPrefix(name, "user."):
		if t := i.Type(); t != unix.S_IFREG && t != unix.S_IFDIR {
			return refused
		}
		if i.IsDir() && i.Mode()&unix.S_ISVTX != 0 && want&MayWrite != 0 && !i.Owned(c) {
			return unix.EPERM
		}
	}
	return i.Permit(c, want)
}

// xattrName checks that name has a prefix that some file system may have, and more than
// it: EOPNOTSUPP, EINVAL.
func xattrName(name string) error {
	space, rest, ok := strings.Cut(name, ".")
	switch {
	case !ok:
		return unix.EOPNOTSUPP
	case space != "user" && space != "trusted" && space != "security" && space != "system":
		return unix.EOPNOTSUPP
	case rest == "":
		return unix.EINVAL
	}
	return nil
}

// Getxattr is the value of an extended attribute: getxattr(2). It must not be changed.
func (p Path) Getxattr(c *Context, name string) ([]byte, error) {
	i := p.Inode()
	if err := i.xattrPermit(c, name, MayRead); err != nil {
		return nil, err
	}
	if err := xattrName(name); err != nil {
		return nil, err
	}
	if at := i.aclAttribute(name); at != nil {
		return i.getACL(c, at)
	}
	value, err := i.Ops.Getxattr(c, i, name)
	if err == nil && name == fileCapsName {
		return i.showCaps(c, value)
	}
	return value, err
}

// MayChangeXattr checks what setxattr(2) and removexattr(2) check before the name.
func (p Path) MayChangeXattr() error {
	if p.Mnt.ReadOnly() {
		return unix.EROFS
	}
	return nil
}

// Setxattr makes or changes an extended attribute: setxattr(2). flags are XATTR_CREATE
// and XATTR_REPLACE. value is not kept.
func (p Path) Setxattr(c *Context, name string, value []byte, flags int) error {
	if value == nil {
		value = []byte{}
	}
	return p.changeXattr(c, name, value, flags)
}

// Removexattr removes an extended attribute: removexattr(2).
func (p Path) Removexattr(c *Context, name string) error {
	return p.changeXattr(c, name, nil, unix.XATTR_REPLACE)
}

func (p Path) changeXattr(c *Context, name string, value []byte, flags int) error {
	i := p.Inode()
	i.Mu.Lock()
	defer i.Mu.Unlock()
	if err := i.xattrPermit(c, name, MayWrite); err != nil {
		return err
	}
	switch {
	case name == fileCapsName && value != nil:
		var err error
		if value, err = i.storeCaps(c, value); err != nil {
			return err
		}
	case name == fileCapsName:
		if !i.capable(c, unix.CAP_SETFCAP) {
			return unix.EPERM
		}
	case strings.HasPrefix(name, "security.") && !c.Cred.CapableIn(i.SB.User, unix.CAP_SYS_ADMIN):
		return unix.EPERM
	}
	if err := xattrName(name); err != nil {
		return err
	}
	if at := i.aclAttribute(name); at != nil {
		if err := i.setACL(c, at, value); err != nil { // flags do not matter, as on Linux
			return err
		}
		p.notify(InAttrib)
		return nil
	}
	if err := i.Ops.Setxattr(c, i, name, value, flags); err != nil {
		return err
	}
	if name == fileCapsName {
		i.fileCaps.Store(value != nil)
	}
	i.changed()
	p.notify(InAttrib)
	return nil
}

// Listxattr lists the names of the extended attributes that c may see: listxattr(2).
func (p Path) Listxattr(c *Context) ([]string, error) {
	i := p.Inode()
	names, err := i.Ops.Listxattr(c, i)
	names = append(i.listACLs(), names...)
	if err != nil || c.Capable(unix.CAP_SYS_ADMIN) {
		return names, err
	}
	seen := names[:0:0]
	for _, n := range names {
		if !strings.HasPrefix(n, "trusted.") {
			seen = append(seen, n)
		}
	}
	return seen, nil
}
