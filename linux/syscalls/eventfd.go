package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/poll"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
)

var eventfdRows = []Row{
	{Name: "eventfd", Args: []Kind{Uint}, Do: sysEventfd, Contracts: []string{"events/eventfd_counts", "abi/legacy_calls"}},
	{Name: "eventfd2", Args: []Kind{Uint, FDFlags}, Do: sysEventfd2, Contracts: []string{"events/eventfd_counts"}},
}

func sysEventfd(t *task.Task, a *Args) (uint64, error) { return eventfd(t, a.Uint(0), 0) }

func sysEventfd2(t *task.Task, a *Args) (uint64, error) { return eventfd(t, a.Uint(0), a.Uint(1)) }

func eventfd(t *task.Task, initial, flags uint32) (uint64, error) {
	if flags&^(unix.EFD_SEMAPHORE|unix.EFD_CLOEXEC|unix.EFD_NONBLOCK) != 0 {
		return 0, unix.EINVAL
	}
	ops := poll.NewEventfd(initial, flags&unix.EFD_SEMAPHORE != 0)
	f := vfs.NewAnonFile("[eventfd]", ops, unix.O_RDWR|flags&unix.EFD_NONBLOCK)
	return install(t, f, flags&unix.EFD_CLOEXEC != 0)
}
