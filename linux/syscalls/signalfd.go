package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/vfs"
)

var signalfdRows = []Row{
	{Name: "signalfd", Args: []Kind{FD, SigSet, Size}, Do: sysSignalfd, Contracts: []string{"abi/legacy_calls"}},
	{Name: "signalfd4", Args: []Kind{FD, SigSet, Size, FDFlags}, Do: sysSignalfd4,
		Contracts: []string{"signals/signalfd_read", "events/signalfd_timerfd_epoll"}},
}

func sysSignalfd(t *task.Task, a *Args) (uint64, error) { return signalfd(t, a, 0) }

func sysSignalfd4(t *task.Task, a *Args) (uint64, error) { return signalfd(t, a, a.Uint(3)) }

func signalfd(t *task.Task, a *Args, flags uint32) (uint64, error) {
	if a.Size(2) != setSize {
		return 0, unix.EINVAL
	}
	set, err := getSet(t, a.Addr(1))
	if err != nil {
		return 0, err
	}
	if flags&^(unix.SFD_CLOEXEC|unix.SFD_NONBLOCK) != 0 {
		return 0, unix.EINVAL
	}
	fd := a.Int(0)
	if fd == -1 {
		f := vfs.NewAnonFile("[signalfd]", t.NewSignalfd(set), unix.O_RDWR|flags&unix.SFD_NONBLOCK)
		return install(t, f, flags&unix.SFD_CLOEXEC != 0)
	}
	f, err := t.Files.Get(fd)
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	s, ok := f.Ops.(*task.Signalfd)
	if !ok {
		return 0, unix.EINVAL
	}
	s.SetMask(t, set)
	return uint64(fd), nil
}
