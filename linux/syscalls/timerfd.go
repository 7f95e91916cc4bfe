package syscalls

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/poll"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

var timerfdRows = []Row{
	{Name: "timerfd_create", Args: []Kind{ClockID, FDFlags}, Do: sysTimerfdCreate, Contracts: []string{"time/timerfd_rules", "events/signalfd_timerfd_epoll"}},
	{Name: "timerfd_settime", Args: []Kind{FD, Hex, Itimerspec, Out | Itimerspec}, Do: sysTimerfdSettime, Contracts: []string{"time/timerfd_rules"}},
	{Name: "timerfd_gettime", Args: []Kind{FD, Out | Itimerspec}, Do: sysTimerfdGettime, Contracts: []string{"time/timerfd_rules"}},
}

func sysTimerfdCreate(t *task.Task, a *Args) (uint64, error) {
	flags := a.Uint(1)
	if flags&^(unix.TFD_CLOEXEC|unix.TFD_NONBLOCK) != 0 {
		return 0, unix.EINVAL
	}
	ops, err := poll.NewTimerfd(t.VFS(), a.Int(0))
	if err != nil {
		return 0, err
	}
	f := vfs.NewAnonFile("[timerfd]", ops, unix.O_RDWR|flags&unix.TFD_NONBLOCK)
	return install(t, f, flags&unix.TFD_CLOEXEC != 0)
}

// timerfd returns the timer behind descriptor fd, whose file the caller releases.
func timerfd(t *task.Task, fd int) (*poll.Timerfd, *vfs.File, error) {
	f, err := t.Files.Get(fd)
	if err != nil {
		return nil, nil, err
	}
	ops, ok := f.Ops.(*poll.Timerfd)
	if !ok {
		f.Unref()
		return nil, nil, unix.EINVAL
	}
	return ops, f, nil
}

func sysTimerfdSettime(t *task.Task, a *Args) (uint64, error) {
	var b [32]byte
	if err := t.CopyIn(b[:], a.Addr(2)); err != nil {
		return 0, err
	}
	var spec [4]int64
	for i := range spec {
		spec[i] = int64(binary.LittleEndian.Uint64(b[i*8:]))
	}
	every, err := duration(spec[0], spec[1])
	if err != nil {
		return 0, err
	}
	value, err := duration(spec[2], spec[3])
	if err != nil {
		return 0, err
	}
	ops, f, err := timerfd(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	left, was, err := ops.Set(a.Int(1), value, every)
	if err != nil || a.Addr(3) == 0 {
		return 0, err
	}
	return 0, putTimerSpec(t, a.Addr(3), left, was)
}

func sysTimerfdGettime(t *task.Task, a *Args) (uint64, error) {
	ops, f, err := timerfd(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	left, every := ops.Get()
	return 0, putTimerSpec(t, a.Addr(1), left, every)
}

// putTimerSpec writes struct itimerspec.
func putTimerSpec(t *task.Task, at user.Addr, left, every time.Duration) error {
	var b [32]byte
	for i, v := range []time.Duration{every / time.Second, every % time.Second, left / time.Second, left % time.Second} {
		binary.LittleEndian.PutUint64(b[i*8:], uint64(v))
	}
	err := t.CopyOut(at, b[:])
	return err
}
