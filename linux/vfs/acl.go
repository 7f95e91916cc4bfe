package vfs

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
)

// POSIX access control lists: acl(5). An inode has up to two, which programs read and
// write as extended attributes: the access list, which refines the mode bits, and for a
// directory the default list, from which files made in it get theirs.

// Names of the attributes.
const (
	accessACLName  = "system.posix_acl_access"
	defaultACLName = "system.posix_acl_default"
)

// acl is a list in the order that valid demands. It is never changed once an inode has it.
type acl []aclEntry

// aclPointer is an inode's list; it points to nil where there is none. Changes hold Mu.
type aclPointer = atomic.Pointer[acl]

// aclEntry gives permissions to somebody: id counts for named users and groups.
type aclEntry struct {
	tag  uint16
	perm Access
	id   uint32
}

// Tags of entries, as linux/posix_acl.h numbers them.
const (
	aclUserObj  = 0x01 // the file's owner
	aclUser     = 0x02 // a named user
	aclGroupObj = 0x04 // the file's group
	aclGroup    = 0x08 // a named group
	aclMask     = 0x10 // the most that all but owner and others have
	aclOther    = 0x20
)

// The attribute's value is struct posix_acl_xattr_header and entries, little-endian.
const (
	aclVersion    = 2
	aclHeaderSize = 4
	aclEntrySize  = 8
	aclNoID       = cred.None // in entries that name nobody
)

// decodeACL reads an attribute's value, with IDs as somebody in user knows them; nil for one
// without entries. EINVAL, EOPNOTSUPP for another version.
func decodeACL(user *cred.UserNS, b []byte) (acl, error) {
	le := binary.LittleEndian
	if len(b) < aclHeaderSize {
		return nil, unix.EINVAL
	}
	if le.Uint32(b) != aclVersion {
		return nil, unix.EOPNOTSUPP
	}
	b = b[aclHeaderSize:]
	if len(b)%aclEntrySize != 0 {
		return nil, unix.EINVAL
	}
	var a acl
	for ; len(b) > 0; b = b[aclEntrySize:] {
		e := aclEntry{tag: le.Uint16(b), id: aclNoID}
		perm := le.Uint16(b[2:])
		switch e.tag {
		case aclUser, aclGroup:
			if e.id = user.Global(e.kind(), le.Uint32(b[4:])); e.id == aclNoID {
				return nil, unix.EINVAL
			}
		case aclUserObj, aclGroupObj, aclMask, aclOther:
		default:
			return nil, unix.EINVAL
		}
		// Permissions that there are none of are kept until the file and the caller
		// have been looked at: valid finds them.
		e.perm = Access(perm&7 | min(perm>>3, 1)<<3)
		a = append(a, e)
	}
	return a, nil
}

// kind is what the ID of an entry for a named user or group is.
func (e *aclEntry) kind() cred.IDKind {
	if e.tag == aclGroup {
		return cred.GroupIDs
	}
	return cred.UserIDs
}

// encode is the attribute's value as somebody in user sees it.
func (a acl) encode(user *cred.UserNS) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(make([]byte, 0, aclHeaderSize+aclEntrySize*len(a)), aclVersion)
	for _, e := range a {
		b = le.AppendUint16(le.AppendUint16(b, e.tag), uint16(e.perm))
		b = le.AppendUint32(b, user.Local(e.kind(), e.id))
	}
	return b
}

// valid checks that the entries stand in order: the owner, named users, the group, named
// groups, the mask (which there must be where somebody is named), others, and that user, the
// file system's namespace, knows who is named. EINVAL.
func (a acl) valid(user *cred.UserNS) error {
	next, named := uint16(aclUserObj), false
	for _, e := range a {
		ok := e.perm&^7 == 0
		switch e.tag {
		case aclUserObj:
			ok, next = ok && next == aclUserObj, aclUser
		case aclUser:
			ok, named = ok && next == aclUser && user.Has(e.kind(), e.id), true
		case aclGroupObj:
			ok, next = ok && next == aclUser, aclGroup
		case aclGroup:
			ok, named = ok && next == aclGroup && user.Has(e.kind(), e.id), true
		case aclMask:
			ok, next = ok && next == aclGroup, aclOther
		case aclOther:
			ok, next = ok && (next == aclOther || next == aclGroup && !named), 0
		}
		if !ok {
			return unix.EINVAL
		}
	}
	if next != 0 {
		return unix.EINVAL
	}
	return nil
}

// entry is the entry that there is one of at most; nil if there is none.
func (a acl) entry(tag uint16) *aclEntry {
	if k := slices.IndexFunc(a, func(e aclEntry) bool { return e.tag == tag }); k >= 0 {
		return &a[k]
	}
	return nil
}

// groupClass is the entry that the group's bits of the mode stand for: the mask, or the
// group where there is none.
func (a acl) groupClass() *aclEntry {
	if m := a.entry(aclMask); m != nil {
		return m
	}
	return a.entry(aclGroupObj)
}

// mode is the nine bits of a mode that the list stands for, and whether they say all that
// the list says.
func (a acl) mode() (bits uint32, all bool) {
	bits = uint32(a.entry(aclUserObj).perm)<<6 | uint32(a.groupClass().perm)<<3 | uint32(a.entry(aclOther).perm)
	return bits, len(a) == 3
}

// withMode is the list after chmod.
func (a acl) withMode(mode uint32) *acl {
	n := slices.Clone(a)
	n.entry(aclUserObj).perm = Access(mode >> 6 & 7)
	n.groupClass().perm = Access(mode >> 3 & 7)
	n.entry(aclOther).perm = Access(mode & 7)
	return &n
}

// forNew is the access list that a new file gets from its directory's default list and the
// mode that its maker asked for, and the mode that it has then. The list is nil where the
// mode says it all.
func (a acl) forNew(mode uint32) (*acl, uint32) {
	bits, _ := a.mode()
	n := a.withMode(bits & mode)
	mode &^= 0o777 &^ bits
	if len(a) == 3 {
		return nil, mode
	}
	return n, mode
}

// permits reports whether the list lets c do all of want with i, whose owner c is not:
// acl(5), "ACCESS CHECK ALGORITHM".
func (a acl) permits(c *Context, i *Inode, want Access) bool {
	inGroup := false
	for _, e := range a {
		switch e.tag {
		case aclUser:
			if e.id == c.Cred.FSUID {
				return want&^(e.perm&a.mask()) == 0
			}
		case aclGroupObj, aclGroup:
			gid := e.id
			if e.tag == aclGroupObj {
				gid = i.gid.Load()
			}
			if !c.Cred.InGroup(gid) {
				continue
			}
			inGroup = true
			if want&^e.perm == 0 { // one entry must have it all
				return want&^a.mask() == 0
			}
		case aclOther:
			return !inGroup && want&^e.perm == 0
		}
	}
	return false
}

// mask is what the mask leaves of a permission.
func (a acl) mask() Access {
	if m := a.entry(aclMask); m != nil {
		return m.perm
	}
	return 7
}

// aclAttribute is where the list is that an attribute stands for; nil for the name of
// another attribute, and on a file system without lists.
func (i *Inode) aclAttribute(name string) *aclPointer {
	switch {
	case !i.SB.ACLs:
	case name == accessACLName:
		return &i.acl
	case name == defaultACLName:
		return &i.defaultACL
	}
	return nil
}

// getACL is the attribute's value. ENODATA, EOPNOTSUPP for a symbolic link.
func (i *Inode) getACL(c *Context, at *aclPointer) ([]byte, error) {
	if i.Type() == unix.S_IFLNK {
		return nil, unix.EOPNOTSUPP
	}
	a := at.Load()
	if a == nil {
		return nil, unix.ENODATA
	}
	return a.encode(c.Cred.User), nil
}

// setACL sets a list, or removes it where value is nil or has no entries; with Mu held.
func (i *Inode) setACL(c *Context, at *aclPointer, value []byte) error {
	var a acl
	if value != nil {
		var err error
		if a, err = decodeACL(c.Cred.User, value); err != nil {
			return err
		}
	}
	switch {
	case i.Type() == unix.S_IFLNK:
		return unix.EOPNOTSUPP
	case at == &i.defaultACL && !i.IsDir():
		if a != nil {
			return unix.EACCES
		}
		return nil
	case !i.Owned(c):
		return unix.EPERM
	}
	if a == nil {
		at.Store(nil)
		i.changed()
		return nil
	}
	if err := a.valid(i.SB.User); err != nil {
		return err
	}
	stored := &a
	if at == &i.acl {
		bits, all := a.mode()
		if all {
			stored = nil
		}
		mode := i.mode.Load()&^0o777 | bits
		if !c.Cred.InGroup(i.GID()) && !i.capable(c, unix.CAP_FSETID) {
			mode &^= unix.S_ISGID
		}
		i.mode.Store(mode)
	}
	at.Store(stored)
	i.changed()
	return nil
}

// listACLs are the names of the attributes that the inode's lists are.
func (i *Inode) listACLs() (names []string) {
	if i.acl.Load() != nil {
		names = append(names, accessACLName)
	}
	if i.defaultACL.Load() != nil {
		names = append(names, defaultACLName)
	}
	return names
}
