package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/cred"
	"kevlar/linux/task"
)

var prctlRows = []Row{
	{Name: "prctl", Args: []Kind{Prctl, PrctlArg, Hex, Hex, Hex}, Do: sysPrctl, Support: Partial, Note: "EINVAL, as without the kernel option or the hardware: SET_MM, GET_TSC, SPECULATION_CTRL, IO_FLUSHER, SYSCALL_USER_DISPATCH, SCHED_CORE, SET_VMA, performance events",
		Contracts: []string{"process/prctl_values", "process/prctl_pdeathsig", "security/no_new_privs"}},
	{Name: "arch_prctl", Args: []Kind{ArchPrctl, Hex}, Do: sysArchPrctl, Contracts: []string{"abi/arch_prctl_calls"}},
	{Name: "iopl", Args: []Kind{Uint}, Do: sysIopl, Support: Partial, Note: "I/O ports are not to be had: EPERM, as on a kernel that is locked down",
		Contracts: []string{"abi/arch_prctl_calls"}},
	{Name: "ioperm", Args: []Kind{Hex, Hex, Int}, Do: sysIoperm, Support: Partial, Note: "I/O ports are not to be had: EPERM, as on a kernel that is locked down",
		Contracts: []string{"abi/arch_prctl_calls"}},
}

// sysIopl never gives access to I/O ports; a program may say that it wants none.
func sysIopl(_ *task.Task, a *Args) (uint64, error) {
	switch level := a.Uint(0); {
	case level > 3:
		return 0, unix.EINVAL
	case level > 0:
		return 0, unix.EPERM
	}
	return 0, nil
}

func sysIoperm(_ *task.Task, a *Args) (uint64, error) {
	const ports = 1 << 16
	from, n := a[0], a[1]
	switch {
	case from+n <= from || from+n > ports:
		return 0, unix.EINVAL
	case a.Int(2) != 0:
		return 0, unix.EPERM
	}
	return 0, nil
}

// Options that package unix has no names for.
const (
	prSetIOFlusher = 57
	prGetIOFlusher = 58
)

func sysPrctl(t *task.Task, a *Args) (uint64, error) {
	arg := a.Size(1)
	rest := a.Size(2) | a.Size(3) | a.Size(4)
	g := t.Group
	switch a.Int(0) {
	case unix.PR_SET_PDEATHSIG:
		return 0, t.SetDeathSignal(arg)
	case unix.PR_GET_PDEATHSIG:
		return 0, putInt(t, a, 1, int(t.DeathSignal()))
	case unix.PR_SET_DUMPABLE:
		if arg > 1 {
			return 0, unix.EINVAL
		}
		g.SetDumpable(arg == 1)
		return 0, nil
	case unix.PR_GET_DUMPABLE:
		return yes(g.Dumpable()), nil
	case unix.PR_SET_NAME:
		return prctlSetName(t, a)
	case unix.PR_GET_NAME:
		var b [16]byte
		copy(b[:15], t.Name())
		return 0, t.CopyOut(a.Addr(1), b[:])
	case unix.PR_SET_TIMERSLACK:
		t.SetTimerSlack(arg)
		return 0, nil
	case unix.PR_GET_TIMERSLACK:
		return t.TimerSlack(), nil
	case unix.PR_SET_TIMING:
		if arg != unix.PR_TIMING_STATISTICAL {
			return 0, unix.EINVAL
		}
		return 0, nil
	case unix.PR_GET_TIMING:
		return unix.PR_TIMING_STATISTICAL, nil
	case unix.PR_SET_CHILD_SUBREAPER:
		g.SetSubreaper(arg != 0)
		return 0, nil
	case unix.PR_GET_CHILD_SUBREAPER:
		return 0, putInt(t, a, 1, int(yes(g.Subreaper())))
	case unix.PR_SET_THP_DISABLE:
		if rest != 0 {
			return 0, unix.EINVAL
		}
		g.DisableHugePages(arg != 0)
		return 0, nil
	case unix.PR_GET_THP_DISABLE:
		if arg|rest != 0 {
			return 0, unix.EINVAL
		}
		return yes(g.HugePagesDisabled()), nil
	case unix.PR_MCE_KILL:
		return prctlMachineKill(t, a)
	case unix.PR_MCE_KILL_GET:
		if arg|rest != 0 {
			return 0, unix.EINVAL
		}
		return uint64(t.MachineKill()), nil
	case unix.PR_SET_SECCOMP:
		return prctlSeccomp(t, a)
	case unix.PR_GET_SECCOMP:
		return uint64(t.Seccomp().Mode()), nil
	case unix.PR_SET_MM:
		if !t.Capable(unix.CAP_SYS_RESOURCE) {
			return 0, unix.EPERM
		}
	case prSetIOFlusher, prGetIOFlusher:
		if !t.Capable(unix.CAP_SYS_RESOURCE) {
			return 0, unix.EPERM
		}
	case unix.PR_GET_SPECULATION_CTRL, unix.PR_SET_SPECULATION_CTRL:
		if a.Int(0) == unix.PR_GET_SPECULATION_CTRL && rest != 0 || a.Size(3)|a.Size(4) != 0 {
			return 0, unix.EINVAL
		}
		return 0, unix.ENODEV
	default:
		return prctlCred(t, a)
	}
	return 0, unix.EINVAL
}

// prctlCred are the options about a task's identity.
func prctlCred(t *task.Task, a *Args) (uint64, error) {
	arg := a.Size(1)
	rest := a.Size(2) | a.Size(3) | a.Size(4)
	c := t.Cred()
	switch a.Int(0) {
	case unix.PR_GET_KEEPCAPS:
		return yes(c.SecureBits&cred.KeepCaps != 0), nil
	case unix.PR_SET_KEEPCAPS:
		return change(t, func(c *cred.Cred) error { return c.SetKeepCaps(arg) })
	case unix.PR_GET_SECUREBITS:
		return uint64(c.SecureBits), nil
	case unix.PR_SET_SECUREBITS:
		return change(t, func(c *cred.Cred) error { return c.SetSecureBits(arg) })
	case unix.PR_CAPBSET_READ:
		if arg > cred.LastCap {
			return 0, unix.EINVAL
		}
		return yes(c.Bounding.Has(int(arg))), nil
	case unix.PR_CAPBSET_DROP:
		return change(t, func(c *cred.Cred) error { return c.DropBounding(arg) })
	case unix.PR_SET_NO_NEW_PRIVS:
		if arg != 1 || rest != 0 {
			return 0, unix.EINVAL
		}
		return change(t, func(c *cred.Cred) error { c.NoNewPrivs = true; return nil })
	case unix.PR_GET_NO_NEW_PRIVS:
		if arg|rest != 0 {
			return 0, unix.EINVAL
		}
		return yes(c.NoNewPrivs), nil
	case unix.PR_CAP_AMBIENT:
		return prctlAmbient(t, a)
	}
	return 0, unix.EINVAL
}

func prctlAmbient(t *task.Task, a *Args) (uint64, error) {
	op, capability, rest := a.Size(1), a.Size(2), a.Size(3)|a.Size(4)
	if op == unix.PR_CAP_AMBIENT_CLEAR_ALL {
		if capability|rest != 0 {
			return 0, unix.EINVAL
		}
		return change(t, func(c *cred.Cred) error { c.Ambient = 0; return nil })
	}
	if capability > cred.LastCap || rest != 0 {
		return 0, unix.EINVAL
	}
	switch op {
	case unix.PR_CAP_AMBIENT_IS_SET:
		return yes(t.Cred().Ambient.Has(int(capability))), nil
	case unix.PR_CAP_AMBIENT_RAISE:
		return change(t, func(c *cred.Cred) error { return c.RaiseAmbient(int(capability)) })
	case unix.PR_CAP_AMBIENT_LOWER:
		return change(t, func(c *cred.Cred) error { c.Ambient &^= 1 << capability; return nil })
	}
	return 0, unix.EINVAL
}

func prctlSetName(t *task.Task, a *Args) (uint64, error) {
	var buf [15]byte
	name, err := copyString(t, buf[:], a.Addr(1))
	switch err {
	case nil:
	case unix.ENAMETOOLONG:
		name = buf[:]
	default:
		return 0, err
	}
	t.SetName(string(name))
	return 0, nil
}

func prctlMachineKill(t *task.Task, a *Args) (uint64, error) {
	if a.Size(3)|a.Size(4) != 0 {
		return 0, unix.EINVAL
	}
	policy := a.Size(2)
	switch a.Size(1) {
	case unix.PR_MCE_KILL_CLEAR:
		if policy != 0 {
			return 0, unix.EINVAL
		}
		policy = unix.PR_MCE_KILL_DEFAULT
	case unix.PR_MCE_KILL_SET:
		if policy > unix.PR_MCE_KILL_DEFAULT {
			return 0, unix.EINVAL
		}
	default:
		return 0, unix.EINVAL
	}
	t.SetMachineKill(uint8(policy))
	return 0, nil
}

// yes is the result of a call that answers a question.
func yes(on bool) uint64 {
	if on {
		return 1
	}
	return 0
}

// putInt writes a C int to where argument i points.
func putInt(t *task.Task, a *Args, i, v int) error {
	return t.CopyOut(a.Addr(i), le.AppendUint32(nil, uint32(v)))
}

func sysArchPrctl(t *task.Task, a *Args) (uint64, error) {
	v, get, err := abi.ArchPrctl(t.Regs, a.Int(0), a.Size(1))
	if err != nil || !get {
		return v, err
	}
	return 0, t.CopyOut(a.Addr(1), le.AppendUint64(nil, v))
}
