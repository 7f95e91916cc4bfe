package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/task"
)

var pidfdRows = []Row{
	{Name: "pidfd_open", Args: []Kind{PID, Hex}, Do: sysPidfdOpen, Contracts: []string{"process/pidfd_open"}},
	{Name: "pidfd_send_signal", Args: []Kind{FD, Signal, Ptr, Hex}, Do: sysPidfdSendSignal, Support: Partial, Note: "a directory of /proc is no pidfd (EBADF)",
		Contracts: []string{"process/pidfd_open", "signals/sigqueueinfo_rules"}},
	{Name: "pidfd_getfd", Args: []Kind{FD, FD, Hex}, Do: sysPidfdGetfd, Contracts: []string{"process/pidfd_open"}},
}

func sysPidfdOpen(t *task.Task, a *Args) (uint64, error) {
	pid, flags := a.Int(0), a.Uint(1)
	if flags&^unix.PIDFD_NONBLOCK != 0 || pid <= 0 {
		return 0, unix.EINVAL
	}
	f, err := t.OpenPIDFD(task.ID(pid), flags)
	if err != nil {
		return 0, err
	}
	return install(t, f, true)
}

func sysPidfdSendSignal(t *task.Task, a *Args) (uint64, error) {
	if a.Uint(3) != 0 {
		return 0, unix.EINVAL
	}
	g, _, err := t.GroupByPIDFD(a.Int(0))
	if err != nil {
		return 0, err
	}
	if g != nil && !t.Sees(g) {
		return 0, unix.EINVAL
	}
	sig := unix.Signal(a.Int(1))
	var info *abi.SigInfo
	if p := a.Addr(2); p != 0 {
		info = new(abi.SigInfo)
		if err := t.CopyIn(info[:], p); err != nil {
			return 0, err
		}
		if info.Signo() != sig {
			return 0, unix.EINVAL
		}
	}
	if g == nil {
		return 0, unix.ESRCH
	}
	return 0, g.SignalFrom(t, sig, info)
}

func sysPidfdGetfd(t *task.Task, a *Args) (uint64, error) {
	if a.Uint(2) != 0 {
		return 0, unix.EINVAL
	}
	g, _, err := t.GroupByPIDFD(a.Int(0))
	if err != nil {
		return 0, err
	}
	if g == nil {
		return 0, unix.ESRCH
	}
	o := g.Leader()
	if !t.MayInspect(o) {
		return 0, unix.EPERM
	}
	files := o.SeenFiles()
	if files == nil {
		return 0, unix.ESRCH
	}
	f, err := files.Get(a.Int(1))
	if err != nil {
		return 0, err
	}
	return install(t, f, true)
}
