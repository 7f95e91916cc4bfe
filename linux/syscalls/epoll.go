package syscalls

import (
	"math"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/poll"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

var epollRows = []Row{
	{Name: "epoll_create", Args: []Kind{Int}, Do: sysEpollCreate, Contracts: []string{"events/epoll_control", "abi/legacy_calls"}},
	{Name: "epoll_create1", Args: []Kind{FDFlags}, Do: sysEpollCreate1, Contracts: []string{"events/epoll_control"}},
	{Name: "epoll_ctl", Args: []Kind{FD, EpollOp, FD, EpollEvent}, Do: sysEpollCtl,
		Contracts: []string{"events/epoll_control", "events/epoll_triggers", "events/epoll_nesting"}},
	{Name: "epoll_wait", Args: []Kind{FD, EpollEvents, Int, Int}, Do: sysEpollWait,
		Contracts: []string{"events/epoll_wakeup", "events/epoll_triggers", "events/epoll_threads"}},
	{Name: "epoll_pwait", Args: []Kind{FD, EpollEvents, Int, Int, SigSet, Size}, Do: sysEpollPwait, Contracts: []string{"events/epoll_pwait_masks"}},
	{Name: "epoll_pwait2", Args: []Kind{FD, EpollEvents, Int, Timespec, SigSet, Size}, Do: sysEpollPwait2, Contracts: []string{"events/epoll_pwait_masks"}},
}

// install gives a new file a descriptor.
func install(t *task.Task, f *vfs.File, cloexec bool) (uint64, error) {
	fd, err := t.Files.Install(t.VFS(), f, 0, cloexec)
	if err != nil {
		f.Unref()
		return 0, err
	}
	return uint64(fd), nil
}

func sysEpollCreate(t *task.Task, a *Args) (uint64, error) {
	if a.Int(0) <= 0 {
		return 0, unix.EINVAL
	}
	return install(t, vfs.NewAnonFile("[eventpoll]", poll.NewEpoll(), unix.O_RDWR), false)
}

func sysEpollCreate1(t *task.Task, a *Args) (uint64, error) {
	if a.Uint(0)&^unix.EPOLL_CLOEXEC != 0 {
		return 0, unix.EINVAL
	}
	f := vfs.NewAnonFile("[eventpoll]", poll.NewEpoll(), unix.O_RDWR)
	return install(t, f, a.Uint(0)&unix.EPOLL_CLOEXEC != 0)
}

func sysEpollCtl(t *task.Task, a *Args) (uint64, error) {
	var event abi.EpollEvent
	if a.Int(1) != unix.EPOLL_CTL_DEL {
		var b [abi.EpollEventSize]byte
		if err := t.CopyIn(b[:], a.Addr(3)); err != nil {
			return 0, err
		}
		event.Decode(b[:])
	}
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	target, err := t.Files.Get(a.Int(2))
	if err != nil {
		return 0, err
	}
	defer target.Unref()
	ep, ok := f.Ops.(*poll.Epoll)
	if !ok {
		switch target.Inode().Type() {
		case unix.S_IFREG, unix.S_IFDIR:
			return 0, unix.EPERM
		}
		return 0, unix.EINVAL
	}
	target.PollFor(t.VFS(), nil) // a signalfd is to tell of this task's signals
	return 0, ep.Control(a.Int(1), a.Int(2), target, event)
}

func sysEpollWait(t *task.Task, a *Args) (uint64, error) {
	n, err := epollWait(t, a, millis(a.Int(3)))
	return n, interrupted(t, false, err, unix.EINTR)
}

func sysEpollPwait(t *task.Task, a *Args) (uint64, error) {
	if err := setMask(t, a.Addr(4), a.Size(5)); err != nil {
		return 0, err
	}
	n, err := epollWait(t, a, millis(a.Int(3)))
	return n, interrupted(t, a.Addr(4) != 0, err, unix.EINTR)
}

func sysEpollPwait2(t *task.Task, a *Args) (uint64, error) {
	to, err := getTimeout(t, a.Addr(3), time.Nanosecond)
	if err != nil {
		return 0, err
	}
	if err := setMask(t, a.Addr(4), a.Size(5)); err != nil {
		return 0, err
	}
	n, err := epollWait(t, a, to)
	return n, interrupted(t, a.Addr(4) != 0, err, unix.EINTR)
}

// maxCollect bounds how many events one call returns, fewEvents how many of them are collected
// on the stack.
const (
	maxCollect = 4096
	fewEvents  = 16
)

// eventBuffers hold more than a few events.
var eventBuffers = sync.Pool{New: func() any { return new([]abi.EpollEvent) }}

func epollWait(t *task.Task, a *Args, to timeout) (uint64, error) {
	n := a.Int(2)
	if n <= 0 || n > math.MaxInt32/abi.EpollEventSize {
		return 0, unix.EINVAL
	}
	n = min(n, maxCollect)
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	ep, ok := f.Ops.(*poll.Epoll)
	if !ok {
		return 0, unix.EINVAL
	}
	if n <= fewEvents {
		var events [fewEvents]abi.EpollEvent
		return collect(t, a, ep, events[:n], to)
	}
	events := eventBuffers.Get().(*[]abi.EpollEvent)
	defer eventBuffers.Put(events)
	if len(*events) < n {
		*events = make([]abi.EpollEvent, n)
	}
	return collect(t, a, ep, (*events)[:n], to)
}

// collect waits for events, at most as many as there is room for, and writes them to t's
// memory.
func collect(t *task.Task, a *Args, ep *poll.Epoll, events []abi.EpollEvent, to timeout) (uint64, error) {
	n, err := ep.Wait(t.VFS(), events, to.deadline, to.block)
	if n == 0 {
		return 0, err
	}
	var b [fewEvents * abi.EpollEventSize]byte
	for at := 0; at < n; at += fewEvents {
		some := events[at:min(at+fewEvents, n)]
		for i := range some {
			some[i].Encode(b[i*abi.EpollEventSize:])
		}
		if err := t.CopyOut(a.Addr(1)+user.Addr(at*abi.EpollEventSize), b[:len(some)*abi.EpollEventSize]); err != nil {
			return 0, err
		}
	}
	return uint64(n), nil
}
