package syscalls

import (
	"reflect"

	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/machine"
)

// Calls of those who look after the machine.
var systemRows = []Row{
	{Name: "reboot", Args: []Kind{Hex, Hex, Hex, Ptr}, Do: sysReboot, Support: Partial, Note: "no kexec, no suspend (EINVAL)",
		Contracts: []string{"process/reboot_rules"}},
	{Name: "kcmp", Args: []Kind{PID, PID, Int, Hex, Hex}, Do: sysKcmp, Support: Partial, Note: "no KCMP_IO, KCMP_EPOLL_TFD (EOPNOTSUPP)",
		Contracts: []string{"process/kcmp_identity"}},
}

// reboots are what the third argument of reboot(2) may be; the first two are constants
// that nobody passes by accident.
var reboots = map[uint32]machine.StopKind{
	unix.LINUX_REBOOT_CMD_RESTART: machine.Reboot, unix.LINUX_REBOOT_CMD_RESTART2: machine.Reboot,
	unix.LINUX_REBOOT_CMD_HALT: machine.Halt, unix.LINUX_REBOOT_CMD_POWER_OFF: machine.PowerOff,
}

func sysReboot(t *task.Task, a *Args) (uint64, error) {
	if !t.Cred().CapableIn(t.PIDNamespace().Owner(), unix.CAP_SYS_BOOT) {
		return 0, unix.EPERM
	}
	if a.Uint(0) != unix.LINUX_REBOOT_MAGIC1 {
		return 0, unix.EINVAL
	}
	switch a.Uint(1) {
	case unix.LINUX_REBOOT_MAGIC2, 85072278, 369367448, 537993216:
	default:
		return 0, unix.EINVAL
	}
	cmd := a.Uint(2)
	how, stops := reboots[cmd]
	if ns := t.PIDNamespace(); ns.Inner() {
		// Only what ends the namespace has a meaning there; the word of RESTART2 is not read.
		if !stops {
			return 0, unix.EINVAL
		}
		sig := ns.Reboot(how)
		t.Log(5, "reboot ends the PID namespace with signal "+sig.String())
		return 0, nil
	}
	if cmd == unix.LINUX_REBOOT_CMD_CAD_ON || cmd == unix.LINUX_REBOOT_CMD_CAD_OFF {
		return 0, nil // there is no keyboard
	}
	if !stops {
		return 0, unix.EINVAL
	}
	if cmd == unix.LINUX_REBOOT_CMD_RESTART2 {
		var b [256]byte
		if _, err := copyString(t, b[:], a.Addr(3)); err == unix.EFAULT {
			return 0, err
		}
	}
	if t.Kernel.Stop != nil {
		t.Kernel.Stop(how)
	}
	t.Kernel.Machine.Stop(how, 0)
	return 0, nil
}

// Kinds of things that kcmp(2) compares.
const (
	kcmpFile = iota
	kcmpVM
	kcmpFiles
	kcmpFS
	kcmpSighand
	kcmpIO
	kcmpSysvsem
	kcmpEpoll
)

func sysKcmp(t *task.Task, a *Args) (uint64, error) {
	one, two := t.PIDNamespace().Task(task.ID(a.Int(0))), t.PIDNamespace().Task(task.ID(a.Int(1)))
	if one == nil || two == nil {
		return 0, unix.ESRCH
	}
	if !t.MayInspect(one) || !t.MayInspect(two) {
		return 0, unix.EPERM
	}
	switch what := a.Int(2); what {
	case kcmpFile:
		f, err := fileOf(one, a.Uint(3))
		if err != nil {
			return 0, err
		}
		g, err := fileOf(two, a.Uint(4))
		return order(f, g), err
	case kcmpVM:
		return order(memoryOf(one), memoryOf(two)), nil
	case kcmpFiles:
		return order(address(one.SeenFiles()), address(two.SeenFiles())), nil
	case kcmpFS:
		return order(address(one.SeenFS()), address(two.SeenFS())), nil
	case kcmpSighand:
		return order(address(one.SignalActions()), address(two.SignalActions())), nil
	case kcmpSysvsem:
		return order(address(one.SharedUndo()), address(two.SharedUndo())), nil
	case kcmpIO, kcmpEpoll:
		return 0, unix.EOPNOTSUPP
	}
	return 0, unix.EINVAL
}

// fileOf tells open files apart: by where the kernel has them.
func fileOf(t *task.Task, fd uint32) (uintptr, error) {
	files := t.SeenFiles()
	if files == nil || int32(fd) < 0 {
		return 0, unix.EBADF
	}
	f, err := files.GetPath(int(fd))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	return address(f), nil
}

func memoryOf(t *task.Task) uintptr {
	m := t.SeenMem()
	if m == nil {
		return 0
	}
	defer m.Release()
	return address(m)
}

func address(p any) uintptr { return reflect.ValueOf(p).Pointer() }

// order is kcmp's result: 0 for the same, else which comes first in an order that means
// nothing.
func order(a, b uintptr) uint64 {
	switch {
	case a == b:
		return 0
	case a < b:
		return 1
	}
	return 2
}
