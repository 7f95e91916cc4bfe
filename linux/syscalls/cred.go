package syscalls

import (
	"slices"

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
	change(t, func(c *cred.Cred) {
		c.Groups = nil
		for i := range n {
			c.Groups = append(c.Groups, le.Uint32(b[4*i:]))
		}
		slices.Sort(c.Groups)
	})
	return 0, nil
}

// change gives t a changed copy of its identity.
func change(t *task.Task, do func(c *cred.Cred)) {
	c := t.Cred().Copy()
	do(c)
	t.SetCred(c)
}
