// Package cred holds the identity of a task: user and group IDs, supplementary
// groups, capabilities and no_new_privs (credentials(7), capabilities(7)), and the user
// namespaces in which they count. A Cred is immutable once a task has it: changes make a
// copy.
package cred

import "slices"

// Capability numbers and sets, as in linux/capability.h.
type Caps uint64

// AllCaps has every capability of Linux 6.1 (CAP_LAST_CAP is 40).
const AllCaps Caps = 1<<41 - 1

// Has reports whether capability c (a unix.CAP_ constant) is in the set.
func (s Caps) Has(c int) bool { return s>>c&1 != 0 }

// Cred is an identity. The file-system IDs follow the effective ones unless
// setfsuid parts them. IDs are those of the machine's first user namespace.
type Cred struct {
	UID, EUID, SUID, FSUID uint32
	GID, EGID, SGID, FSGID uint32
	Groups                 []uint32 // supplementary, sorted

	Inheritable, Permitted, Effective, Bounding, Ambient Caps

	SecureBits uint32
	NoNewPrivs bool

	User *UserNS // where the capabilities hold; nil for the machine's first
}

// Root is the identity of the first task.
func Root() *Cred {
	return &Cred{Permitted: AllCaps, Effective: AllCaps, Bounding: AllCaps}
}

// Copy returns a copy to change.
func (c *Cred) Copy() *Cred {
	d := *c
	d.Groups = slices.Clone(c.Groups)
	return &d
}

// InGroup reports whether the file-system group or a supplementary one is gid.
func (c *Cred) InGroup(gid uint32) bool {
	if c.FSGID == gid {
		return true
	}
	_, ok := slices.BinarySearch(c.Groups, gid)
	return ok
}

// Capable reports whether capability cap (a unix.CAP_ constant) is effective with regard to
// the machine: in its first user namespace. See CapableIn for what belongs to another.
func (c *Cred) Capable(cap int) bool { return c.User == nil && c.Effective.Has(cap) }
