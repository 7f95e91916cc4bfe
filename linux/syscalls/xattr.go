package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Calls on extended attributes: of a path, of a link itself, of an open file.
var xattrRows = []Row{
	{Name: "getxattr", Args: []Kind{Path, Str, OutBuf, Size}, Do: sysGetxattr,
		Contracts: []string{"filesystem/xattr_calls", "filesystem/xattr_rules", "filesystem/xattr_links_descriptors"}},
	{Name: "lgetxattr", Args: []Kind{Path, Str, OutBuf, Size}, Do: sysLgetxattr, Contracts: []string{"filesystem/xattr_links_descriptors"}},
	{Name: "fgetxattr", Args: []Kind{FD, Str, OutBuf, Size}, Do: sysFgetxattr, Contracts: []string{"filesystem/xattr_links_descriptors"}},
	{Name: "setxattr", Args: []Kind{Path, Str, Buf, Size, Hex}, Do: sysSetxattr,
		Contracts: []string{"filesystem/xattr_calls", "filesystem/xattr_rules", "filesystem/xattr_links_descriptors", "filesystem/acl_attributes", "security/file_capabilities"}},
	{Name: "lsetxattr", Args: []Kind{Path, Str, Buf, Size, Hex}, Do: sysLsetxattr, Contracts: []string{"filesystem/xattr_links_descriptors"}},
	{Name: "fsetxattr", Args: []Kind{FD, Str, Buf, Size, Hex}, Do: sysFsetxattr, Contracts: []string{"filesystem/xattr_links_descriptors"}},
	{Name: "listxattr", Args: []Kind{Path, OutBuf, Size}, Do: sysListxattr, Contracts: []string{"filesystem/xattr_calls", "filesystem/xattr_rules"}},
	{Name: "llistxattr", Args: []Kind{Path, OutBuf, Size}, Do: sysLlistxattr, Contracts: []string{"filesystem/xattr_links_descriptors"}},
	{Name: "flistxattr", Args: []Kind{FD, OutBuf, Size}, Do: sysFlistxattr, Contracts: []string{"filesystem/xattr_links_descriptors"}},
	{Name: "removexattr", Args: []Kind{Path, Str}, Do: sysRemovexattr, Contracts: []string{"filesystem/xattr_calls", "filesystem/xattr_rules"}},
	{Name: "lremovexattr", Args: []Kind{Path, Str}, Do: sysLremovexattr, Contracts: []string{"filesystem/xattr_links_descriptors"}},
	{Name: "fremovexattr", Args: []Kind{FD, Str}, Do: sysFremovexattr, Contracts: []string{"filesystem/xattr_links_descriptors"}},
}

// Limits of names, values and lists: linux/limits.h.
const (
	xattrNameMax = 255
	xattrSizeMax = 65536
	xattrListMax = 65536
)

// xattrName copies the name of an attribute.
func xattrName(t *task.Task, p user.Addr) (string, error) {
	var buf [xattrNameMax + 1]byte
	name, err := copyString(t, buf[:], p)
	if err == unix.ENAMETOOLONG || err == nil && len(name) == 0 {
		return "", unix.ERANGE
	}
	return string(name), err
}

// An xattrCall does a call's work on the file at p.
type xattrCall func(t *task.Task, a *Args, p vfs.Path) (uint64, error)

// ofPath, ofLink and ofFile find the file that argument 0 names.
func ofPath(t *task.Task, a *Args, do xattrCall) (uint64, error) {
	return ofLookup(t, a, vfs.Follow, do)
}

func ofLink(t *task.Task, a *Args, do xattrCall) (uint64, error) { return ofLookup(t, a, 0, do) }

func ofLookup(t *task.Task, a *Args, look vfs.LookupFlags, do xattrCall) (n uint64, err error) {
	err = at(t, unix.AT_FDCWD, a.Addr(0), look, func(_ *vfs.Context, p vfs.Path) (err error) {
		n, err = do(t, a, p)
		return err
	})
	return n, err
}

func ofFile(t *task.Task, a *Args, do xattrCall) (n uint64, err error) {
	_, err = onFile(t, a, func(f *vfs.File) (err error) {
		n, err = do(t, a, f.Path())
		return err
	})
	return n, err
}

func sysGetxattr(t *task.Task, a *Args) (uint64, error)     { return ofPath(t, a, getxattr) }
func sysLgetxattr(t *task.Task, a *Args) (uint64, error)    { return ofLink(t, a, getxattr) }
func sysFgetxattr(t *task.Task, a *Args) (uint64, error)    { return ofFile(t, a, getxattr) }
func sysSetxattr(t *task.Task, a *Args) (uint64, error)     { return ofPath(t, a, setxattr) }
func sysLsetxattr(t *task.Task, a *Args) (uint64, error)    { return ofLink(t, a, setxattr) }
func sysFsetxattr(t *task.Task, a *Args) (uint64, error)    { return ofFile(t, a, setxattr) }
func sysListxattr(t *task.Task, a *Args) (uint64, error)    { return ofPath(t, a, listxattr) }
func sysLlistxattr(t *task.Task, a *Args) (uint64, error)   { return ofLink(t, a, listxattr) }
func sysFlistxattr(t *task.Task, a *Args) (uint64, error)   { return ofFile(t, a, listxattr) }
func sysRemovexattr(t *task.Task, a *Args) (uint64, error)  { return ofPath(t, a, removexattr) }
func sysLremovexattr(t *task.Task, a *Args) (uint64, error) { return ofLink(t, a, removexattr) }
func sysFremovexattr(t *task.Task, a *Args) (uint64, error) { return ofFile(t, a, removexattr) }

func getxattr(t *task.Task, a *Args, p vfs.Path) (uint64, error) {
	name, err := xattrName(t, a.Addr(1))
	if err != nil {
		return 0, err
	}
	v, err := p.Getxattr(t.VFS(), name)
	if err != nil {
		return 0, err
	}
	return putXattr(t, a.Addr(2), a.Size(3), v)
}

// putXattr copies a value or list of names to the program; size 0 asks how long it is.
func putXattr(t *task.Task, to user.Addr, size uint64, v []byte) (uint64, error) {
	n := uint64(len(v))
	if size == 0 {
		return n, nil
	}
	if n > size {
		return 0, unix.ERANGE
	}
	return n, t.CopyOut(to, v)
}

func setxattr(t *task.Task, a *Args, p vfs.Path) (uint64, error) {
	if err := p.MayChangeXattr(); err != nil {
		return 0, err
	}
	flags, size := a.Uint(4), a.Size(3)
	if flags&^(unix.XATTR_CREATE|unix.XATTR_REPLACE) != 0 {
		return 0, unix.EINVAL
	}
	name, err := xattrName(t, a.Addr(1))
	if err != nil {
		return 0, err
	}
	if size > xattrSizeMax {
		return 0, unix.E2BIG
	}
	value := make([]byte, size)
	if err := t.CopyIn(value, a.Addr(2)); err != nil {
		return 0, err
	}
	return 0, p.Setxattr(t.VFS(), name, value, int(flags))
}

func listxattr(t *task.Task, a *Args, p vfs.Path) (uint64, error) {
	names, err := p.Listxattr(t.VFS())
	if err != nil {
		return 0, err
	}
	var list []byte
	for _, n := range names {
		list = append(append(list, n...), 0)
	}
	if len(list) > xattrListMax {
		return 0, unix.E2BIG
	}
	return putXattr(t, a.Addr(1), a.Size(2), list)
}

func removexattr(t *task.Task, a *Args, p vfs.Path) (uint64, error) {
	if err := p.MayChangeXattr(); err != nil {
		return 0, err
	}
	name, err := xattrName(t, a.Addr(1))
	if err != nil {
		return 0, err
	}
	return 0, p.Removexattr(t.VFS(), name)
}
