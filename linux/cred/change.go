package cred

import (
	"slices"

	"golang.org/x/sys/unix"
)

// Keep is the ID that leaves one as it is: (uid_t) -1.
const Keep = ^uint32(0)

// Bits of SecureBits: capabilities(7), "The securebits flags".
const (
	NoRoot         = 1 << 0
	NoSetuidFix    = 1 << 2
	KeepCaps       = 1 << 4
	NoAmbientRaise = 1 << 6
)

// The IDs that these take are as c's user namespace knows them; EINVAL for one that it does
// not.

// translate replaces IDs by the kernel's. Keep stays.
func (c *Cred) translate(kind IDKind, ids ...*uint32) error {
	for _, id := range ids {
		if *id == Keep {
			continue
		}
		if *id = c.User.Global(kind, *id); *id == None {
			return unix.EINVAL
		}
	}
	return nil
}

// Setuid is setuid(2) on c, which the caller has copied. EPERM, EINVAL.
func (c *Cred) Setuid(uid uint32) error {
	if err := c.translate(UserIDs, &uid); err != nil || uid == Keep {
		return unix.EINVAL
	}
	old := *c
	switch {
	case c.CapableHere(unix.CAP_SETUID):
		c.UID, c.SUID = uid, uid
	case uid != c.UID && uid != c.SUID:
		return unix.EPERM
	}
	c.EUID, c.FSUID = uid, uid
	c.fixCaps(&old)
	return nil
}

// Setreuid is setreuid(2).
func (c *Cred) Setreuid(ruid, euid uint32) error {
	if err := c.translate(UserIDs, &ruid, &euid); err != nil {
		return err
	}
	old := *c
	may := c.CapableHere(unix.CAP_SETUID)
	if ruid != Keep {
		if !may && ruid != old.UID && ruid != old.EUID {
			return unix.EPERM
		}
		c.UID = ruid
	}
	if euid != Keep {
		if !may && euid != old.UID && euid != old.EUID && euid != old.SUID {
			return unix.EPERM
		}
		c.EUID = euid
	}
	if ruid != Keep || euid != Keep && euid != old.UID {
		c.SUID = c.EUID
	}
	c.FSUID = c.EUID
	c.fixCaps(&old)
	return nil
}

// Setresuid is setresuid(2).
func (c *Cred) Setresuid(ruid, euid, suid uint32) error {
	if err := c.translate(UserIDs, &ruid, &euid, &suid); err != nil {
		return err
	}
	old := *c
	for _, id := range []uint32{ruid, euid, suid} {
		if id != Keep && id != old.UID && id != old.EUID && id != old.SUID && !c.CapableHere(unix.CAP_SETUID) {
			return unix.EPERM
		}
	}
	set(&c.UID, ruid)
	set(&c.EUID, euid)
	set(&c.SUID, suid)
	c.FSUID = c.EUID
	c.fixCaps(&old)
	return nil
}

// Setfsuid is setfsuid(2): it changes the ID if it may, and returns the old one.
func (c *Cred) Setfsuid(uid uint32) (old uint32) {
	before := *c
	if c.translate(UserIDs, &uid) != nil {
		return before.FSUID
	}
	if uid == c.UID || uid == c.EUID || uid == c.SUID || uid == c.FSUID || c.CapableHere(unix.CAP_SETUID) {
		if uid != Keep {
			c.FSUID = uid
		}
	}
	// capabilities(7), "Effect of user ID changes on capabilities", rule 4.
	if root := c.root(); c.SecureBits&NoSetuidFix == 0 {
		switch {
		case before.FSUID == root && c.FSUID != root:
			c.Effective &^= fileCaps
		case before.FSUID != root && c.FSUID == root:
			c.Effective |= c.Permitted & fileCaps
		}
	}
	return before.FSUID
}

// Setgid is setgid(2).
func (c *Cred) Setgid(gid uint32) error {
	if err := c.translate(GroupIDs, &gid); err != nil || gid == Keep {
		return unix.EINVAL
	}
	switch {
	case c.CapableHere(unix.CAP_SETGID):
		c.GID, c.SGID = gid, gid
	case gid != c.GID && gid != c.SGID:
		return unix.EPERM
	}
	c.EGID, c.FSGID = gid, gid
	return nil
}

// Setregid is setregid(2).
func (c *Cred) Setregid(rgid, egid uint32) error {
	if err := c.translate(GroupIDs, &rgid, &egid); err != nil {
		return err
	}
	old := *c
	may := c.CapableHere(unix.CAP_SETGID)
	if rgid != Keep {
		if !may && rgid != old.GID && rgid != old.EGID {
			return unix.EPERM
		}
		c.GID = rgid
	}
	if egid != Keep {
		if !may && egid != old.GID && egid != old.EGID && egid != old.SGID {
			return unix.EPERM
		}
		c.EGID = egid
	}
	if rgid != Keep || egid != Keep && egid != old.GID {
		c.SGID = c.EGID
	}
	c.FSGID = c.EGID
	return nil
}

// Setresgid is setresgid(2).
func (c *Cred) Setresgid(rgid, egid, sgid uint32) error {
	if err := c.translate(GroupIDs, &rgid, &egid, &sgid); err != nil {
		return err
	}
	for _, id := range []uint32{rgid, egid, sgid} {
		if id != Keep && id != c.GID && id != c.EGID && id != c.SGID && !c.CapableHere(unix.CAP_SETGID) {
			return unix.EPERM
		}
	}
	set(&c.GID, rgid)
	set(&c.EGID, egid)
	set(&c.SGID, sgid)
	c.FSGID = c.EGID
	return nil
}

// Setfsgid is setfsgid(2), like Setfsuid.
func (c *Cred) Setfsgid(gid uint32) (old uint32) {
	old = c.FSGID
	if c.translate(GroupIDs, &gid) != nil {
		return old
	}
	if gid != Keep && (gid == c.GID || gid == c.EGID || gid == c.SGID || gid == c.FSGID || c.CapableHere(unix.CAP_SETGID)) {
		c.FSGID = gid
	}
	return old
}

// SetGroups replaces the supplementary groups; the caller has checked MaySetgroups.
func (c *Cred) SetGroups(groups []uint32) error {
	own := slices.Clone(groups)
	for i, gid := range own {
		if own[i] = c.User.GID(gid); own[i] == None {
			return unix.EINVAL
		}
	}
	slices.Sort(own)
	c.Groups = own
	return nil
}

// root is the ID of the user who is 0 in c's namespace, None where nobody is.
func (c *Cred) root() uint32 { return c.User.UID(0) }

// fileCaps are the capabilities that go with the file-system user ID.
const fileCaps Caps = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH |
	1<<unix.CAP_FOWNER | 1<<unix.CAP_FSETID | 1<<unix.CAP_LINUX_IMMUTABLE | 1<<unix.CAP_MAC_OVERRIDE | 1<<unix.CAP_MKNOD

func set(id *uint32, to uint32) {
	if to != Keep {
		*id = to
	}
}

// fixCaps does what a change of user IDs means to capabilities: capabilities(7),
// "Effect of user ID changes on capabilities".
func (c *Cred) fixCaps(old *Cred) {
	if c.SecureBits&NoSetuidFix != 0 {
		return
	}
	root := c.root()
	wasRoot := old.UID == root || old.EUID == root || old.SUID == root
	isRoot := c.UID == root || c.EUID == root || c.SUID == root
	if wasRoot && !isRoot {
		if c.SecureBits&KeepCaps == 0 {
			c.Permitted, c.Effective = 0, 0
		}
		c.Ambient = 0
	}
	switch {
	case old.EUID == root && c.EUID != root:
		c.Effective = 0
	case old.EUID != root && c.EUID == root:
		c.Effective = c.Permitted
	}
}

// SetCaps is capset(2) on c. EPERM where a set would gain what it may not.
func (c *Cred) SetCaps(effective, permitted, inheritable Caps) error {
	switch {
	case !c.CapableHere(unix.CAP_SETPCAP) && inheritable&^(c.Inheritable|c.Permitted) != 0,
		inheritable&^(c.Inheritable|c.Bounding) != 0,
		permitted&^c.Permitted != 0,
		effective&^permitted != 0:
		return unix.EPERM
	}
	c.Effective, c.Permitted, c.Inheritable = effective, permitted, inheritable
	c.Ambient &= permitted & inheritable
	return nil
}
