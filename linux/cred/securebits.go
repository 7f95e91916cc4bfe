package cred

import "golang.org/x/sys/unix"

// LastCap is the highest capability: CAP_LAST_CAP of Linux 6.1.
const LastCap = unix.CAP_CHECKPOINT_RESTORE

// Each bit of SecureBits has a lock above it, which keeps it as it is.
const (
	secureAll   = NoRoot | NoSetuidFix | KeepCaps | NoAmbientRaise
	secureLocks = secureAll << 1
)

// SetSecureBits is prctl(PR_SET_SECUREBITS) on c, which the caller has copied. EPERM
// for a bit that is locked, a lock that would go, or without CAP_SETPCAP.
func (c *Cred) SetSecureBits(bits uint64) error {
	old := uint64(c.SecureBits)
	locked := old & secureLocks >> 1
	if locked&(old^bits) != 0 || old&secureLocks&^bits != 0 || bits&^(secureAll|secureLocks) != 0 ||
		!c.CapableHere(unix.CAP_SETPCAP) {
		return unix.EPERM
	}
	c.SecureBits = uint32(bits)
	return nil
}

// SetKeepCaps is prctl(PR_SET_KEEPCAPS): EINVAL for what is not 0 or 1, EPERM where the
// bit is locked.
func (c *Cred) SetKeepCaps(on uint64) error {
	switch {
	case on > 1:
		return unix.EINVAL
	case c.SecureBits&(KeepCaps<<1) != 0:
		return unix.EPERM
	}
	c.SecureBits &^= KeepCaps
	if on == 1 {
		c.SecureBits |= KeepCaps
	}
	return nil
}

// DropBounding is prctl(PR_CAPBSET_DROP): EPERM without CAP_SETPCAP, EINVAL for what is no
// capability.
func (c *Cred) DropBounding(capability uint64) error {
	if !c.CapableHere(unix.CAP_SETPCAP) {
		return unix.EPERM
	}
	if capability > LastCap {
		return unix.EINVAL
	}
	c.Bounding &^= 1 << capability
	return nil
}

// RaiseAmbient is prctl(PR_CAP_AMBIENT_RAISE): EPERM where the capability is not both
// permitted and inheritable, or securebits forbid it.
func (c *Cred) RaiseAmbient(capability int) error {
	if !(c.Permitted & c.Inheritable).Has(capability) || c.SecureBits&NoAmbientRaise != 0 {
		return unix.EPERM
	}
	c.Ambient |= 1 << capability
	return nil
}

// Gains reports whether c lets a task do more than, or other things than, old did: what
// others may do to the task, and what it asked for, then no longer holds (prctl(2),
// PR_SET_DUMPABLE and PR_SET_PDEATHSIG).
func (c *Cred) Gains(old *Cred) bool {
	return c.EUID != old.EUID || c.EGID != old.EGID || c.FSUID != old.FSUID || c.FSGID != old.FSGID ||
		!c.fewer(old)
}

// fewer reports whether c has no capability that old does not have, or that old has not by
// having made the user namespace that c is in.
func (c *Cred) fewer(old *Cred) bool {
	if c.User == old.User {
		return c.Permitted&^old.Permitted == 0
	}
	for ns := c.User; ns != nil; ns = ns.parent {
		if ns.parent == old.User && ns.owner == old.EUID {
			return true
		}
	}
	return false
}
