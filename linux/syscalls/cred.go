package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/task"
)

var credRows = []Row{
	{Name: "getuid", Do: sysGetuid,
		Contracts: []string{"security/setuid_transitions", "security/user_namespace"}},
	{Name: "geteuid", Do: sysGeteuid,
		Contracts: []string{"security/setuid_transitions", "security/protected_access"}},
	{Name: "getgid", Do: sysGetgid,
		Contracts: []string{"security/setgid_transitions", "abi/legacy_calls"}},
	{Name: "getegid", Do: sysGetegid,
		Contracts: []string{"security/setgid_transitions", "abi/legacy_calls"}},
	{Name: "getresuid", Args: []Kind{Out | UserAt, Out | UserAt, Out | UserAt}, Do: sysGetresuid, Contracts: []string{"security/setuid_transitions", "security/setuid_program"}},
	{Name: "getresgid", Args: []Kind{Out | UserAt, Out | UserAt, Out | UserAt}, Do: sysGetresgid, Contracts: []string{"security/setgid_transitions", "security/setuid_program"}},
	{Name: "getgroups", Args: []Kind{Int, Out | IDs}, Do: sysGetgroups, Contracts: []string{"security/setgid_transitions"}},
	{Name: "setgroups", Args: []Kind{Int, IDs}, Do: sysSetgroups, Contracts: []string{"security/setgid_transitions", "security/user_namespace_files"}},
	{Name: "setuid", Args: []Kind{Uint}, Do: sysSetuid,
		Contracts: []string{"security/setuid_transitions", "security/capabilities_setuid", "security/setuid_program", "security/user_namespace_files"}},
	{Name: "setreuid", Args: []Kind{Uint, Uint}, Do: sysSetreuid, Contracts: []string{"security/setuid_transitions"}},
	{Name: "setresuid", Args: []Kind{Uint, Uint, Uint}, Do: sysSetresuid,
		Contracts: []string{"security/setuid_transitions", "security/capabilities_setuid"}},
	{Name: "setfsuid", Args: []Kind{Uint}, Do: sysSetfsuid, Contracts: []string{"security/setuid_transitions"}},
	{Name: "setgid", Args: []Kind{Uint}, Do: sysSetgid, Contracts: []string{"security/setgid_transitions"}},
	{Name: "setregid", Args: []Kind{Uint, Uint}, Do: sysSetregid, Contracts: []string{"security/setgid_transitions"}},
	{Name: "setresgid", Args: []Kind{Uint, Uint, Uint}, Do: sysSetresgid, Contracts: []string{"security/setgid_transitions"}},
	{Name: "setfsgid", Args: []Kind{Uint}, Do: sysSetfsgid, Contracts: []string{"security/setgid_transitions"}},
	{Name: "capget", Args: []Kind{Ptr, Ptr}, Do: sysCapget, Contracts: []string{"security/capget_capset"}},
	{Name: "capset", Args: []Kind{Ptr, Ptr}, Do: sysCapset, Contracts: []string{"security/capget_capset", "security/capabilities_calls"}},
}

func sysGetuid(t *task.Task, _ *Args) (uint64, error) {
	c := t.Cred()
	return uint64(c.User.ShowUID(c.UID)), nil
}

func sysGeteuid(t *task.Task, _ *Args) (uint64, error) {
	c := t.Cred()
	return uint64(c.User.ShowUID(c.EUID)), nil
}

func sysGetgid(t *task.Task, _ *Args) (uint64, error) {
	c := t.Cred()
	return uint64(c.User.ShowGID(c.GID)), nil
}

func sysGetegid(t *task.Task, _ *Args) (uint64, error) {
	c := t.Cred()
	return uint64(c.User.ShowGID(c.EGID)), nil
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
	return put3(t, a, [3]uint32{c.User.ShowUID(c.UID), c.User.ShowUID(c.EUID), c.User.ShowUID(c.SUID)})
}

func sysGetresgid(t *task.Task, a *Args) (uint64, error) {
	c := t.Cred()
	return put3(t, a, [3]uint32{c.User.ShowGID(c.GID), c.User.ShowGID(c.EGID), c.User.ShowGID(c.SGID)})
}

// maxGroups is NGROUPS_MAX.
const maxGroups = 65536

func sysGetgroups(t *task.Task, a *Args) (uint64, error) {
	n, groups, ns := a.Int(0), t.Cred().Groups, t.Cred().User
	if n < 0 || n > 0 && n < len(groups) {
		return 0, unix.EINVAL
	}
	if n == 0 {
		return uint64(len(groups)), nil
	}
	b := make([]byte, 0, 4*len(groups))
	for _, g := range groups {
		b = le.AppendUint32(b, ns.ShowGID(g))
	}
	return uint64(len(groups)), t.CopyOut(a.Addr(1), b)
}

func sysSetgroups(t *task.Task, a *Args) (uint64, error) {
	if !t.Cred().MaySetgroups() {
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
	return change(t, func(c *cred.Cred) error { return c.SetGroups(groups) })
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
	old := t.Cred().User.ShowUID(t.Cred().FSUID)
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
	old := t.Cred().User.ShowGID(t.Cred().FSGID)
	_, err := change(t, func(c *cred.Cred) error { c.Setfsgid(a.Uint(0)); return nil })
	return uint64(old), err
}

// Versions of the capability interface, by how many words of 32 bits a set has:
// capget(2).
var capVersions = map[uint32]int{0x19980330: 1, 0x20071026: 2, capVersion3: 2}

const capVersion3 = 0x20080522

// capHeader reads struct __user_cap_header_struct: how many words follow, and whom it is
// about. EINVAL, with the version that is preferred written back, for an unknown one.
func capHeader(t *task.Task, a *Args) (words int, pid int32, err error) {
	var b [8]byte
	if err := t.CopyIn(b[:4], a.Addr(0)); err != nil {
		return 0, 0, err
	}
	words, ok := capVersions[le.Uint32(b[:])]
	if !ok {
		if err := t.CopyOut(a.Addr(0), le.AppendUint32(nil, capVersion3)); err != nil {
			return 0, 0, err
		}
		return 0, 0, unix.EINVAL
	}
	err = t.CopyIn(b[:], a.Addr(0))
	return words, int32(le.Uint32(b[4:])), err
}

func sysCapget(t *task.Task, a *Args) (uint64, error) {
	words, pid, err := capHeader(t, a)
	if a.Addr(1) == 0 && (err == nil || err == unix.EINVAL) {
		return 0, nil // it only asked for the version
	}
	if err != nil {
		return 0, err
	}
	o, err := thread(t, int(pid))
	if err != nil {
		return 0, err
	}
	c := o.Cred()
	b := make([]byte, 0, 24)
	for i := range words {
		for _, s := range []cred.Caps{c.Effective, c.Permitted, c.Inheritable} {
			b = le.AppendUint32(b, uint32(s>>(32*i)))
		}
	}
	return 0, t.CopyOut(a.Addr(1), b)
}

func sysCapset(t *task.Task, a *Args) (uint64, error) {
	words, pid, err := capHeader(t, a)
	if err != nil {
		return 0, err
	}
	if pid != 0 && task.ID(pid) != t.ID() {
		return 0, unix.EPERM
	}
	var b [24]byte
	if err := t.CopyIn(b[:12*words], a.Addr(1)); err != nil {
		return 0, err
	}
	var sets [3]cred.Caps
	for i := range sets {
		sets[i] = (cred.Caps(le.Uint32(b[4*i:])) | cred.Caps(le.Uint32(b[12+4*i:]))<<32) & cred.AllCaps
	}
	return change(t, func(c *cred.Cred) error { return c.SetCaps(sets[0], sets[1], sets[2]) })
}
