package syscalls

import (
	"math"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/pipe"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
)

var fcntlRows = []Row{
	{Name: "fcntl", Args: []Kind{FD, FcntlCmd, FcntlArg}, Do: sysFcntl, Support: Partial,
		Note:      "no leases or directory notification",
		Contracts: []string{"fd/fcntl_flags", "fd/fcntl_locks", "fd/fcntl_ofd_locks"}},
}

// sysFcntl is fcntl(2). Of a descriptor that O_PATH opened it can only change the
// descriptor itself.
func sysFcntl(t *task.Task, a *Args) (uint64, error) {
	fd, cmd := a.Int(0), a.Int(1)
	f, err := t.Files.GetPath(fd)
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	switch cmd {
	case unix.F_DUPFD, unix.F_DUPFD_CLOEXEC:
		if uint64(a.Uint(2)) >= t.Limit(unix.RLIMIT_NOFILE) {
			return 0, unix.EINVAL
		}
		to, err := t.Files.Install(t.VFS(), f.Ref(), int(a.Uint(2)), cmd == unix.F_DUPFD_CLOEXEC)
		if err != nil {
			f.Unref()
		}
		return uint64(to), err
	case unix.F_GETFD:
		if t.Files.CloseOnExec(fd) {
			return unix.FD_CLOEXEC, nil
		}
		return 0, nil
	case unix.F_SETFD:
		return 0, t.Files.SetCloseOnExec(fd, a.Uint(2)&unix.FD_CLOEXEC != 0)
	case unix.F_GETFL:
		return uint64(f.Flags()), nil
	}
	if f.PathOnly() {
		return 0, unix.EBADF
	}
	switch cmd {
	case unix.F_SETFL:
		return 0, f.SetStatus(t.VFS(), fd, a.Uint(2))
	case unix.F_GETPIPE_SZ, unix.F_SETPIPE_SZ:
		p := pipe.Of(f)
		if p == nil {
			return 0, unix.EBADF
		}
		if cmd == unix.F_GETPIPE_SZ {
			return uint64(p.Size()), nil
		}
		n, err := p.Resize(t.VFS(), a.Size(2))
		return uint64(n), err
	case unix.F_SETOWN, unix.F_GETOWN, unix.F_SETOWN_EX, unix.F_GETOWN_EX, unix.F_SETSIG, unix.F_GETSIG:
		return owner(t, f, cmd, a)
	case unix.F_GETLK, unix.F_SETLK, unix.F_SETLKW, unix.F_OFD_GETLK, unix.F_OFD_SETLK, unix.F_OFD_SETLKW:
		return recordLock(t, f, cmd, a)
	case unix.F_ADD_SEALS, unix.F_GET_SEALS:
		return seals(f, cmd, a.Uint(2))
	case unix.F_GETLEASE:
		return unix.F_UNLCK, nil
	}
	return 0, unix.EINVAL
}

// owner does the commands about SIGIO.
func owner(t *task.Task, f *vfs.File, cmd int, a *Args) (uint64, error) {
	switch cmd {
	case unix.F_SETOWN:
		return 0, setOwner(t, f, a.Int(2))
	case unix.F_GETOWN:
		return uint64(int64(getOwner(t, f))), nil
	case unix.F_SETOWN_EX:
		var b [8]byte
		if err := t.CopyIn(b[:], a.Addr(2)); err != nil {
			return 0, err
		}
		kind, id := int(int32(le.Uint32(b[0:]))), task.ID(le.Uint32(b[4:]))
		switch kind {
		case abi.F_OWNER_TID, abi.F_OWNER_PID, abi.F_OWNER_PGRP:
			return 0, setTarget(t, f, kind, id)
		}
		return 0, unix.EINVAL
	case unix.F_GETOWN_EX:
		kind, id := seenOwner(t, f)
		b := le.AppendUint32(nil, uint32(kind))
		return 0, t.CopyOut(a.Addr(2), le.AppendUint32(b, uint32(id)))
	case unix.F_SETSIG:
		if a[2] > abi.NumSignals {
			return 0, unix.EINVAL
		}
		f.UpdateOwner(func(o *vfs.Owner) { o.Signal = a.Int(2) })
		return 0, nil
	default: // F_GETSIG
		return uint64(f.Owner().Signal), nil
	}
}

// setOwner is F_SETOWN: a process, or with a negative number a process group.
func setOwner(t *task.Task, f *vfs.File, who int) error {
	switch {
	case who == math.MinInt32:
		return unix.EINVAL
	case who < 0:
		return setTarget(t, f, abi.F_OWNER_PGRP, task.ID(-who))
	}
	return setTarget(t, f, abi.F_OWNER_PID, task.ID(who))
}

func setTarget(t *task.Task, f *vfs.File, kind int, id task.ID) error {
	var to vfs.SignalTarget
	if id != 0 {
		target, err := t.NewIOTarget(kind, id)
		if err != nil {
			return err
		}
		to = target
	}
	f.UpdateOwner(func(o *vfs.Owner) { o.To, o.UID, o.EUID = to, t.Cred().UID, t.Cred().EUID })
	return nil
}

// getOwner is F_GETOWN: a process group is a negative number.
func getOwner(t *task.Task, f *vfs.File) task.ID {
	kind, id := seenOwner(t, f)
	if kind == abi.F_OWNER_PGRP {
		return -id
	}
	return id
}

func seenOwner(t *task.Task, f *vfs.File) (kind int, id task.ID) {
	if to, ok := f.Owner().To.(*task.IOTarget); ok {
		return to.SeenBy(t)
	}
	return abi.F_OWNER_TID, 0
}
