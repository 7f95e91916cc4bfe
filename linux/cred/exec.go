package cred

import "golang.org/x/sys/unix"

// ExecFile is what the file of a program means to the identity of who runs it.
type ExecFile struct {
	UID  uint32    // the new effective user ID of a set-user-ID file, or Keep
	GID  uint32    // likewise
	Caps *FileCaps // nil for none
	// Limited: who executes it is traced by one who may not have what it would give: it
	// gives nothing.
	Limited bool
}

// FileCaps are the capabilities that a file gives to who executes it: capabilities(7), "File
// capabilities".
type FileCaps struct {
	Permitted, Inheritable Caps
	Effective              bool
}

// Exec returns the identity that execve gives the caller (capabilities(7),
// "Transformation of capabilities during execve" and "Capabilities and execution of
// programs by root"), and whether the program runs with rights that its caller does
// not have (AT_SECURE). EPERM where the bounding set lacks what a file gives that was not
// made for capabilities.
func (c *Cred) Exec(f ExecFile) (id *Cred, secure bool, err error) {
	n := c.Copy()
	set(&n.EUID, f.UID)
	set(&n.EGID, f.GID)
	n.Permitted = 0
	effective := false
	if fc := f.Caps; fc != nil {
		effective = fc.Effective
		n.Permitted = c.Bounding&fc.Permitted | c.Inheritable&fc.Inheritable
		if effective && fc.Permitted&^n.Permitted != 0 {
			return nil, false, unix.EPERM
		}
	}
	root := c.root()
	// A set-user-ID root file with capabilities of its own gives only those, except to root.
	if c.SecureBits&NoRoot == 0 && (f.Caps == nil || n.UID == root || n.EUID != root) {
		if n.UID == root || n.EUID == root {
			n.Permitted = c.Inheritable | c.Bounding
		}
		effective = effective || n.EUID == root
	}
	setID := n.EUID != c.UID || n.EGID != c.GID
	if (c.NoNewPrivs || f.Limited) && (setID || n.Permitted&^c.Permitted != 0) {
		n.EUID, n.EGID = n.UID, n.GID
		n.Permitted &= c.Permitted
	}
	if f.Caps != nil || setID {
		n.Ambient = 0
	}
	n.Permitted |= n.Ambient
	n.Effective = n.Ambient
	if effective {
		n.Effective = n.Permitted
	}
	n.SUID, n.FSUID = n.EUID, n.EUID
	n.SGID, n.FSGID = n.EGID, n.EGID
	n.SecureBits &^= KeepCaps
	return n, setID || n.UID != root && (effective || n.Permitted&^n.Ambient != 0), nil
}
