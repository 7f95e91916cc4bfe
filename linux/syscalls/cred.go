package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/task"
)

var credRows = []Row{
	{Name: "getuid", Do: func(t *task.Task, _ *Args) (uint64, error) { return uint64(t.Cred().UID), nil }},
	{Name: "geteuid", Do: func(t *task.Task, _ *Args) (uint64, error) { return uint64(t.Cred().EUID), nil }},
	{Name: "getgid", Do: func(t *task.Task, _ *Args) (uint64, error) { return uint64(t.Cred().GID), nil }},
	{Name: "getegid", Do: func(t *task.Task, _ *Args) (uint64, error) { return uint64(t.Cred().EGID), nil }},
	{Name: "getresuid", Args: []Kind{Ptr, Ptr, Ptr}, Do: sysGetresuid},
	{Name: "getresgid", Args: []Kind{Ptr, Ptr, Ptr}, Do: sysGetresgid},
	{Name: "getgroups", Args: []Kind{Int, Ptr}, Do: sysGetgroups},
	{Name: "setgroups", Args: []Kind{Int, Ptr}, Do: sysSetgroups},
	{Name: "setuid", Args: []Kind{Uint}, Do: sysSetuid},
	{Name: "setreuid", Args: []Kind{Uint, Uint}, Do: sysSetreuid},
	{Name: "setresuid", Args: []Kind{Uint, Uint, Uint}, Do: sysSetresuid},
	{Name: "setfsuid", Args: []Kind{Uint}, Do: sysSetfsuid},
	{Name: "setgid", Args: []Kind{Uint}, Do: sysSetgid},
	{Name: "setregid", Args: []Kind{Uint, Uint}, Do: sysSetregid},
	{Name: "setresgid", Args: []Kind{Uint, Uint, Uint}, Do: sysSetresgid},
	{Name: "setfsgid", Args: []Kind{Uint}, Do: sysSetfsgid},
}

func put3(t *task.Task, a *Args, ids [3]uint32) (uint64, error) {
	for i, v := range ids {
		if err := t.CopyOut(a.Addr(i), le.AppendUint32(nil, v)); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

func sysGetresuid(t *task.Task, a *Args) (uint64, error) {
	c := t.Cred()
	return put3(t, a, [3]uint32{c.UID, c.EUID, c.SUID})
}

func sysGetresgid(t *task.Task, a *Args) (uint64, error) {
	c := t.Cred()
	return put3(t, a, [3]uint32{c.GID, c.EGID, c.SGID})
}

// maxGroups is NGROUPS_MAX.
const maxGroups = 65536

func sysGetgroups(t *task.Task, a *Args) (uint64, error) {
	n, groups := a.Int(0), t.Cred().Groups
	if n < 0 || n > 0 && n < len(groups) {
		return 0, unix.EINVAL
	}
	if n == 0 {
		return uint64(len(groups)), nil
	}
	b := make([]byte, 0, 4*len(groups))
	for _, g := range groups {
		b = le.AppendUint32(b, g)
	}
	return uint64(len(groups)), t.CopyOut(a.Addr(1), b)
}

func sysSetgroups(t *task.Task, a *Args) (uint64, error) {
	if !t.Capable(unix.CAP_SETGID) {
		return 0, unix.EPERM
	}
	n := a.Uint(0)
	if n > maxGroups {
		return 0, unix.EINVAL
	}
	b := make([]byte, 4*n)
	if err := t.CopyIn(b, a.Addr(1)); err != nil {
		return 0, err
	}
	groups := make([]uint32, n)
	for i := range groups {
		groups[i] = le.Uint32(b[4*i:])
	}
	return change(t, func(c *cred.Cred) error { c.SetGroups(groups); return nil })
}

// change gives t a changed copy of its identity, unless do fails.
func change(t *task.Task, do func(c *cred.Cred) error) (uint64, error) {
	c := t.Cred().Copy()
	if err := do(c); err != nil {
		return 0, err
	}
	t.Become(c)
	return 0, nil
}

func sysSetuid(t *task.Task, a *Args) (uint64, error) {
	return change(t, func(c *cred.Cred) error { return c.Setuid(a.Uint(0)) })
}

func sysSetreuid(t *task.Task, a *Args) (uint64, error) {
	return change(t, func(c *cred.Cred) error { return c.Setreuid(a.Uint(0), a.Uint(1)) })
}

func sysSetresuid(t *task.Task, a *Args) (uint64, error) {
	return change(t, func(c *cred.Cred) error { return c.Setresuid(a.Uint(0), a.Uint(1), a.Uint(2)) })
}

func sysSetfsuid(t *task.Task, a *Args) (uint64, error) {
	old := t.Cred().FSUID
	_, err := change(t, func(c *cred.Cred) error { c.Setfsuid(a.Uint(0)); return nil })
	return uint64(old), err
}

func sysSetgid(t *task.Task, a *Args) (uint64, error) {
	return change(t, func(c *cred.Cred) error { return c.Setgid(a.Uint(0)) })
}

func sysSetregid(t *task.Task, a *Args) (uint64, error) {
	return change(t, func(c *cred.Cred) error { return c.Setregid(a.Uint(0), a.Uint(1)) })
}

func sysSetresgid(t *task.Task, a *Args) (uint64, error) {
	return change(t, func(c *cred.Cred) error { return c.Setresgid(a.Uint(0), a.Uint(1), a.Uint(2)) })
}

func sysSetfsgid(t *task.Task, a *Args) (uint64, error) {
	old := t.Cred().FSGID
	_, err := change(t, func(c *cred.Cred) error { c.Setfsgid(a.Uint(0)); return nil })
	return uint64(old), err
}
