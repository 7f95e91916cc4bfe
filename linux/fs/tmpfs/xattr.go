package tmpfs

import (
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/vfs"
)

// maxXattrs bounds the bytes of one file's extended attributes.
const maxXattrs = 1 << 20

// xattrs are a file's extended attributes, the newest first, as listxattr shows them.
// Like Linux 6.1's, tmpfs has the namespaces "trusted" and "security" only.
type xattrs struct {
	mu   sync.Mutex // a leaf
	list []xattr
}

type xattr struct {
	name  string
	value []byte
}

// find is the index of an attribute, -1 if it is not there; with mu held.
func (x *xattrs) find(name string) int {
	return slices.IndexFunc(x.list, func(a xattr) bool { return a.name == name })
}

// hasXattr reports whether tmpfs has attributes of that name.
func hasXattr(name string) bool {
	return strings.HasPrefix(name, "trusted.") || strings.HasPrefix(name, "security.")
}

// Getxattr implements vfs.InodeOps.
func (n *node) Getxattr(c *vfs.Context, i *vfs.Inode, name string) ([]byte, error) {
	if !hasXattr(name) {
		return nil, unix.EOPNOTSUPP
	}
	n.xattrs.mu.Lock()
	defer n.xattrs.mu.Unlock()
	if k := n.xattrs.find(name); k >= 0 {
		return n.xattrs.list[k].value, nil
	}
	return nil, unix.ENODATA
}

// Setxattr implements vfs.InodeOps.
func (n *node) Setxattr(c *vfs.Context, i *vfs.Inode, name string, value []byte, flags int) error {
	if !hasXattr(name) {
		return unix.EOPNOTSUPP
	}
	x := &n.xattrs
	x.mu.Lock()
	defer x.mu.Unlock()
	k := x.find(name)
	switch {
	case k >= 0 && flags&unix.XATTR_CREATE != 0:
		return unix.EEXIST
	case k < 0 && flags&unix.XATTR_REPLACE != 0:
		return unix.ENODATA
	case value == nil:
		x.list = slices.Delete(x.list, k, k+1)
		return nil
	}
	used := len(name) + len(value)
	for j, a := range x.list {
		if j != k {
			used += len(a.name) + len(a.value)
		}
	}
	if used > maxXattrs {
		return unix.ENOSPC
	}
	if k >= 0 {
		x.list[k].value = slices.Clone(value)
	} else {
		x.list = slices.Insert(x.list, 0, xattr{name, slices.Clone(value)})
	}
	return nil
}

// Listxattr implements vfs.InodeOps.
func (n *node) Listxattr(c *vfs.Context, i *vfs.Inode) ([]string, error) {
	n.xattrs.mu.Lock()
	defer n.xattrs.mu.Unlock()
	names := make([]string, len(n.xattrs.list))
	for k, a := range n.xattrs.list {
		names[k] = a.name
	}
	return names, nil
}
