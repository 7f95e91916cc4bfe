package task

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Signalfd is a file from which signals are read: signalfd(2). Who reads or polls it sees
// its own signals, not those of who made it.
type Signalfd struct {
	vfs.DefaultOps
	mask atomic.Uint64 // the signals, an abi.SigSet
	// last is the task that used the file last: for polls that come without a task (epoll's,
	// which looks again when something has happened).
	last atomic.Pointer[Task]
}

var _ vfs.TaskPoller = (*Signalfd)(nil)

// NewSignalfd returns the operations of a signalfd, for the calling task.
func (t *Task) NewSignalfd(mask abi.SigSet) *Signalfd {
	s := &Signalfd{}
	s.last.Store(t)
	s.mask.Store(uint64(mask &^ onlyKernel))
	return s
}

// SetMask replaces the signals.
func (s *Signalfd) SetMask(t *Task, mask abi.SigSet) {
	s.mask.Store(uint64(mask &^ onlyKernel))
	t.Group.signalWait.Wake(wait.In)
}

// Mask is the signals.
func (s *Signalfd) Mask() abi.SigSet { return abi.SigSet(s.mask.Load()) }

// FDInfo is what /proc/PID/fdinfo says of it.
func (s *Signalfd) FDInfo(w io.Writer) { fmt.Fprintf(w, "sigmask:\t%016x\n", s.mask.Load()) }

// infoSize is the size of struct signalfd_siginfo.
const infoSize = 128

// Read implements vfs.FileOps: it takes as many signals as fit, and waits for the first.
func (s *Signalfd) Read(c *vfs.Context, f *vfs.File, dst *user.IO, _ int64) (total int, err error) {
	t := Of(c)
	if dst.Len() < infoSize || t == nil {
		return 0, unix.EINVAL
	}
	s.last.Store(t)
	for dst.Len() >= infoSize {
		info, ok := t.takeIn(s.Mask())
		if !ok {
			if total > 0 {
				break
			}
			if f.NonBlock() {
				return 0, unix.EAGAIN
			}
			err := c.Waiter.Until(&t.Group.signalWait, wait.In, wait.Forever, func() bool { return t.pendingIn(s.Mask()) })
			if err != nil {
				return 0, err
			}
			continue
		}
		b := signalfdInfo(&info)
		n, err := dst.Write(b[:])
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

// takeIn takes a pending signal of a set.
func (t *Task) takeIn(set abi.SigSet) (info abi.SigInfo, ok bool) {
	t.Group.mu.Lock()
	defer t.Group.mu.Unlock()
	ok = t.dequeue(set, &info) != 0
	t.attention()
	return info, ok
}

func (t *Task) pendingIn(set abi.SigSet) bool {
	t.Group.mu.Lock()
	defer t.Group.mu.Unlock()
	return (t.pending.set|t.Group.shared.set)&set != 0
}

// signalfdInfo makes struct signalfd_siginfo of a signal's information. Which fields hold
// depends on where the signal came from, as in siginfo_t.
func signalfdInfo(i *abi.SigInfo) (b [infoSize]byte) {
	le := binary.LittleEndian
	put := func(off int, v uint32) { le.PutUint32(b[off:], v) }
	sig, code := i.Signo(), i.Code()
	put(0, uint32(sig))
	put(4, uint32(i.Errno()))
	put(8, uint32(code))
	value := func() {
		put(44, uint32(i.Value()))
		le.PutUint64(b[48:], i.Value())
	}
	switch {
	case code == abi.SI_TIMER:
		put(24, uint32(i.Timer()))
		put(32, uint32(i.Overrun()))
		value()
	case code == abi.SI_SIGIO || sig == unix.SIGIO && code > 0 && code != abi.SI_KERNEL:
		put(28, uint32(i.Band()))
		put(20, uint32(i.FD()))
	case sig == unix.SIGCHLD && code > 0 && code != abi.SI_KERNEL:
		put(12, uint32(i.PID()))
		put(16, i.UID())
		put(40, uint32(i.Status()))
		copy(b[56:72], i[32:48]) // times
	case syncSignals.Has(sig) && code > 0 && code != abi.SI_KERNEL:
		le.PutUint64(b[72:], i.Addr())
	case code < 0 && code != abi.SI_TKILL:
		put(12, uint32(i.PID()))
		put(16, i.UID())
		value()
	default:
		put(12, uint32(i.PID()))
		put(16, i.UID())
	}
	return b
}

// PollFor implements vfs.TaskPoller.
func (s *Signalfd) PollFor(c *vfs.Context, f *vfs.File, e *wait.Entry) wait.Events {
	if t := Of(c); t != nil {
		s.last.Store(t)
	}
	return s.Poll(f, e)
}

// Poll implements vfs.FileOps.
func (s *Signalfd) Poll(_ *vfs.File, e *wait.Entry) wait.Events {
	t := s.last.Load()
	if e != nil {
		t.Group.signalWait.Add(e)
	}
	if t.pendingIn(s.Mask()) {
		return wait.In
	}
	return 0
}

// Unpoll implements vfs.FileOps.
func (s *Signalfd) Unpoll(_ *vfs.File, e *wait.Entry) { e.Leave() }
