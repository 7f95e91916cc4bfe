package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/seccomp"
	"kevlar/linux/task"
	"kevlar/linux/user"
)

var seccompRows = []Row{
	{Name: "seccomp", Args: []Kind{Int, Hex, Ptr}, Do: sysSeccomp, Support: Partial, Note: "no notifications to a supervisor (EINVAL)",
		Contracts: []string{"security/seccomp_strict", "security/seccomp_filter"}},
}

// Operations of seccomp(2), and flags of the second.
const (
	seccompStrict    = 0
	seccompFilter    = 1
	seccompAvailable = 2

	flagTSync      = 1 << 0
	flagLog        = 1 << 1
	flagSpecAllow  = 1 << 2
	flagTSyncESRCH = 1 << 4
)

func sysSeccomp(t *task.Task, a *Args) (uint64, error) {
	flags, at := a.Uint(1), a.Addr(2)
	switch a.Int(0) {
	case seccompStrict:
		if flags != 0 || at != 0 {
			return 0, unix.EINVAL
		}
		return 0, t.RestrictStrict()
	case seccompFilter:
		return setFilter(t, flags, at)
	case seccompAvailable:
		if flags != 0 {
			return 0, unix.EINVAL
		}
		var b [4]byte
		if err := t.CopyIn(b[:], at); err != nil {
			return 0, err
		}
		if !seccomp.Known(le.Uint32(b[:])) {
			return 0, unix.EOPNOTSUPP
		}
		return 0, nil
	}
	return 0, unix.EINVAL
}

// setFilter adds the filter of struct sock_fprog at at.
func setFilter(t *task.Task, flags uint32, at user.Addr) (uint64, error) {
	if flags&^(flagTSync|flagLog|flagSpecAllow|flagTSyncESRCH) != 0 {
		return 0, unix.EINVAL
	}
	var b [16]byte
	if err := t.CopyIn(b[:], at); err != nil {
		return 0, err
	}
	n := int(le.Uint16(b[:]))
	if n == 0 || n > seccomp.MaxInsns {
		return 0, unix.EINVAL
	}
	if !t.Cred().NoNewPrivs && !t.Cred().CapableHere(unix.CAP_SYS_ADMIN) {
		return 0, unix.EACCES
	}
	raw := make([]byte, n*seccomp.InsnSize)
	if err := t.CopyIn(raw, user.Addr(le.Uint64(b[8:]))); err != nil {
		return 0, err
	}
	prog := make([]seccomp.Insn, n)
	for i := range prog {
		p := raw[i*seccomp.InsnSize:]
		prog[i] = seccomp.Insn{Code: le.Uint16(p), Jt: p[2], Jf: p[3], K: le.Uint32(p[4:])}
	}
	id, err := t.Restrict(prog, flags&flagTSync != 0)
	if id != 0 && flags&flagTSyncESRCH != 0 {
		return 0, unix.ESRCH
	}
	return uint64(id), err
}

// prctlSeccomp is PR_SET_SECCOMP.
func prctlSeccomp(t *task.Task, a *Args) (uint64, error) {
	switch a.Size(1) {
	case seccomp.Strict:
		return 0, t.RestrictStrict()
	case seccomp.Filtered:
		return setFilter(t, 0, a.Addr(2))
	}
	return 0, unix.EINVAL
}
