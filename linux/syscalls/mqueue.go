package syscalls

import (
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/clock"
	"kevlar/linux/fs/mqueue"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

var mqueueRows = []Row{
	{Name: "mq_open", Args: []Kind{Str, OpenFlags, Mode, Ptr}, Do: sysMqOpen, Contracts: []string{"ipc/mq_messages", "programs/glibc_ipc"}},
	{Name: "mq_unlink", Args: []Kind{Str}, Do: sysMqUnlink, Contracts: []string{"ipc/mq_messages"}},
	{Name: "mq_timedsend", Args: []Kind{FD, Buf, Size, Uint, Timespec}, Do: sysMqTimedsend, Contracts: []string{"ipc/mq_blocking", "ipc/mq_messages"}},
	{Name: "mq_timedreceive", Args: []Kind{FD, Ptr, Size, Ptr, Timespec}, Do: sysMqTimedreceive, Contracts: []string{"ipc/mq_blocking"}},
	{Name: "mq_notify", Args: []Kind{FD, Ptr}, Do: sysMqNotify, Support: Partial, Note: "no SIGEV_THREAD, which needs netlink (EBADF)",
		Contracts: []string{"ipc/mq_notify"}},
	{Name: "mq_getsetattr", Args: []Kind{FD, Ptr, Ptr}, Do: sysMqGetsetattr, Contracts: []string{"ipc/mq_messages"}},
}

// mqAttrSize is the size of struct mq_attr: flags, limits and the number of messages, and
// four words that are reserved.
const mqAttrSize = 64

func sysMqOpen(t *task.Task, a *Args) (uint64, error) {
	flags, mode := a.Uint(1), a.Uint(2)
	var attr *mqueue.Attr
	if p := a.Addr(3); p != 0 {
		var b [mqAttrSize]byte
		if err := t.CopyIn(b[:], p); err != nil {
			return 0, err
		}
		if flags&unix.O_CREAT != 0 {
			attr = &mqueue.Attr{Max: int64(le.Uint64(b[8:])), Size: int64(le.Uint64(b[16:]))}
		}
	}
	fs, err := mqueue.Of(t)
	if err != nil {
		return 0, err
	}
	fd := uint64(0)
	err = withPath(t, a.Addr(0), func(name []byte) error {
		f, err := fs.Open(t.VFS(), name, flags, mode&^t.FS.Umask()&0o7777, attr)
		if err != nil {
			return err
		}
		fd, err = install(t, f, true)
		return err
	})
	return fd, err
}

func sysMqUnlink(t *task.Task, a *Args) (uint64, error) {
	fs, err := mqueue.Of(t)
	if err != nil {
		return 0, err
	}
	return 0, withPath(t, a.Addr(0), func(name []byte) error { return fs.Unlink(t.VFS(), name) })
}

// queue finds the message queue behind descriptor fd, whose file the caller releases: EBADF
// for another file.
func queue(t *task.Task, fd int) (*mqueue.Queue, *vfs.File, error) {
	f, err := t.Files.Get(fd)
	if err != nil {
		return nil, nil, err
	}
	ops, ok := f.Ops.(*mqueue.File)
	if !ok {
		f.Unref()
		return nil, nil, unix.EBADF
	}
	return ops.Q, f, nil
}

// mqDeadline reads the deadline at p, a time of the wall clock, or none.
func mqDeadline(t *task.Task, p user.Addr) (time.Duration, error) {
	if p == 0 {
		return wait.Forever, nil
	}
	at, err := getTimespec(t, p)
	if err != nil {
		return 0, err
	}
	return clock.Realtime.Deadline(at), nil
}

func sysMqTimedsend(t *task.Task, a *Args) (uint64, error) {
	deadline, err := mqDeadline(t, a.Addr(4))
	if err != nil {
		return 0, err
	}
	if a.Uint(3) >= mqueue.MaxPriority {
		return 0, unix.EINVAL
	}
	q, f, err := queue(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	switch {
	case !f.Writable():
		return 0, unix.EBADF
	case a.Size(2) > uint64(q.MessageSize()):
		return 0, unix.EMSGSIZE
	}
	m := mqueue.Message{Priority: a.Uint(3), Text: make([]byte, a.Size(2))}
	if err := t.CopyIn(m.Text, a.Addr(1)); err != nil {
		return 0, err
	}
	return 0, q.Send(t, m, !f.NonBlock(), deadline)
}

func sysMqTimedreceive(t *task.Task, a *Args) (uint64, error) {
	deadline, err := mqDeadline(t, a.Addr(4))
	if err != nil {
		return 0, err
	}
	q, f, err := queue(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	switch {
	case !f.Readable():
		return 0, unix.EBADF
	case a.Size(2) < uint64(q.MessageSize()):
		return 0, unix.EMSGSIZE
	}
	m, err := q.Receive(t, !f.NonBlock(), deadline)
	if err != nil {
		return 0, err
	}
	if p := a.Addr(3); p != 0 {
		if err := t.CopyOut(p, le.AppendUint32(nil, m.Priority)); err != nil {
			return 0, err
		}
	}
	return uint64(len(m.Text)), t.CopyOut(a.Addr(1), m.Text)
}

func sysMqNotify(t *task.Task, a *Args) (uint64, error) {
	var event *task.SigEvent
	if p := a.Addr(1); p != 0 {
		var b [64]byte
		if err := t.CopyIn(b[:], p); err != nil {
			return 0, err
		}
		event = getSigEvent(b[:])
		switch event.Notify {
		case task.NotifyNone:
		case task.NotifySignal:
			if event.Signo < 0 || event.Signo > 64 {
				return 0, unix.EINVAL
			}
		case task.NotifyThread:
			return 0, unix.EBADF // of the netlink socket that sigev_signo would be
		default:
			return 0, unix.EINVAL
		}
	}
	q, f, err := queue(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	return 0, q.Notify(t, event)
}

func sysMqGetsetattr(t *task.Task, a *Args) (uint64, error) {
	var b [mqAttrSize]byte
	set := a.Addr(1) != 0
	if set {
		if err := t.CopyIn(b[:], a.Addr(1)); err != nil {
			return 0, err
		}
		if le.Uint64(b[:])&^unix.O_NONBLOCK != 0 {
			return 0, unix.EINVAL
		}
	}
	q, f, err := queue(t, a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	attr, old := q.Attr(), f.Flags()&unix.O_NONBLOCK
	if set {
		f.SetFlags(f.Flags()&^unix.O_NONBLOCK | uint32(le.Uint64(b[:])))
	}
	if p := a.Addr(2); p != 0 {
		clear(b[:])
		putAll(b[:], uint64(old), uint64(attr.Max), uint64(attr.Size), uint64(attr.Now))
		return 0, t.CopyOut(p, b[:])
	}
	return 0, nil
}
