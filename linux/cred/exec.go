package cred

// ExecFile is what the file of a program means to the identity of who runs it.
type ExecFile struct {
	UID uint32 // the new effective user ID of a set-user-ID file, or Keep
	GID uint32 // likewise
}

// Exec returns the identity that execve gives the caller (capabilities(7),
// "Transformation of capabilities during execve" and "Capabilities and execution of
// programs by root"), and whether the program runs with rights that its caller does
// not have (AT_SECURE).
func (c *Cred) Exec(f ExecFile) (id *Cred, secure bool) {
	n := c.Copy()
	set(&n.EUID, f.UID)
	set(&n.EGID, f.GID)
	privileged := n.EUID != c.EUID || n.EGID != c.EGID // set-ID files end the ambient set
	if privileged {
		n.Ambient = 0
	}
	n.Permitted = n.Ambient
	n.Effective = n.Ambient
	if root := c.root(); c.SecureBits&NoRoot == 0 && (n.UID == root || n.EUID == root) {
		n.Permitted = c.Inheritable | c.Bounding
		if n.EUID == root {
			n.Effective = n.Permitted
		}
	}
	n.SUID, n.FSUID = n.EUID, n.EUID
	n.SGID, n.FSGID = n.EGID, n.EGID
	n.SecureBits &^= KeepCaps
	return n, n.EUID != c.UID || n.EGID != c.GID
}
