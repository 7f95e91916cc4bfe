package vfs

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
)

// Capabilities of files: capabilities(7), "File capabilities". They are an extended attribute,
// in one of two forms: revision 2, and revision 3, which adds the user who is root in the
// user namespaces where they count.

// fileCapsName is the attribute that gives capabilities to those who execute a file.
const fileCapsName = "security.capability"

// The attribute's value is struct vfs_cap_data, or vfs_ns_cap_data: a word of revision and
// flags, the permitted and inheritable set's lower words, their upper words, and in revision
// 3 the ID of root. Numbers are little-endian.
const (
	capsRevision2    = 0x02000000
	capsRevision3    = 0x03000000
	capsRevisionMask = 0xff000000
	capsEffective    = 1
	capsRoot         = 20 // where the ID of root is
	capsSize         = 20 // of revision 2
	capsSize3        = 24
)

// rawCaps is a value of the attribute that is well-formed.
type rawCaps []byte

// checkCaps reports whether v is well-formed.
func checkCaps(v []byte) (rawCaps, bool) {
	if len(v) != capsSize && len(v) != capsSize3 {
		return nil, false
	}
	revision := binary.LittleEndian.Uint32(v) & capsRevisionMask
	return v, len(v) == capsSize && revision == capsRevision2 || len(v) == capsSize3 && revision == capsRevision3
}

// root is the ID of root in the value: 0 in revision 2.
func (v rawCaps) root() uint32 {
	if len(v) == capsSize {
		return 0
	}
	return binary.LittleEndian.Uint32(v[capsRoot:])
}

// withRoot is the value in revision 3.
func (v rawCaps) withRoot(id uint32) []byte {
	le := binary.LittleEndian
	n := append(make([]byte, 0, capsSize3), v[:capsSize]...)
	le.PutUint32(n, capsRevision3|le.Uint32(v)&capsEffective)
	return le.AppendUint32(n, id)
}

// withoutRoot is the value in revision 2.
func (v rawCaps) withoutRoot() []byte {
	le := binary.LittleEndian
	n := append([]byte(nil), v[:capsSize]...)
	le.PutUint32(n, capsRevision2|le.Uint32(v)&capsEffective)
	return n
}

// storeCaps is what setxattr(2) keeps of a value: as it is where c is privileged in the file
// system's user namespace, else for c's own. EINVAL, EPERM.
func (i *Inode) storeCaps(c *Context, value []byte) ([]byte, error) {
	v, ok := checkCaps(value)
	if !ok {
		return nil, unix.EINVAL
	}
	if !i.capable(c, unix.CAP_SETFCAP) {
		return nil, unix.EPERM
	}
	if len(v) == capsSize && c.Cred.CapableIn(i.SB.User, unix.CAP_SETFCAP) {
		return value, nil
	}
	root := c.Cred.User.UID(v.root())
	if root == cred.None {
		return nil, unix.EINVAL
	}
	if root = i.SB.User.Local(cred.UserIDs, root); root == cred.None {
		return nil, unix.EINVAL
	}
	return v.withRoot(root), nil
}

// showCaps is a value as c sees it: of revision 3 where root is somebody else in c's user
// namespace, of revision 2 where it is root in c's or one around it. EOVERFLOW where it is
// neither.
func (i *Inode) showCaps(c *Context, value []byte) ([]byte, error) {
	v, ok := checkCaps(value)
	if !ok {
		return nil, unix.EINVAL
	}
	root := i.SB.User.UID(v.root())
	if id := c.Cred.User.Local(cred.UserIDs, root); id != cred.None && id != 0 {
		return v.withRoot(id), nil
	}
	if !c.Cred.User.HasRoot(root) {
		return nil, unix.EOVERFLOW
	}
	return v.withoutRoot(), nil
}

// FileCaps are the capabilities that the file gives to c, nil for none: those of a file
// whose root is not root in c's user namespace, or one around it, do not count.
func (i *Inode) FileCaps(c *Context) *cred.FileCaps {
	if !i.fileCaps.Load() {
		return nil
	}
	value, err := i.Ops.Getxattr(c, i, fileCapsName)
	if err != nil {
		return nil
	}
	v, ok := checkCaps(value)
	if !ok || !c.Cred.User.HasRoot(i.SB.User.UID(v.root())) {
		return nil
	}
	le := binary.LittleEndian
	set := func(at int) cred.Caps { return cred.Caps(le.Uint32(v[at:])) | cred.Caps(le.Uint32(v[at+8:]))<<32 }
	return &cred.FileCaps{
		Permitted: set(4) & cred.AllCaps, Inheritable: set(8) & cred.AllCaps, Effective: le.Uint32(v)&capsEffective != 0,
	}
}
