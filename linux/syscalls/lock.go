package syscalls

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/vfs"
)

var lockRows = []Row{
	{Name: "flock", Args: []Kind{FD, FlockOp}, Do: sysFlock, Contracts: []string{"fd/flock_rules", "signals/restart_blocking"}},
}

// lockMand is LOCK_MAND, a request for mandatory locking, which Linux no longer has and
// ignores.
const lockMand = 32

func sysFlock(t *task.Task, a *Args) (uint64, error) {
	op := a.Int(1)
	if op&lockMand != 0 {
		return 0, nil
	}
	how := op &^ unix.LOCK_NB
	if how != unix.LOCK_SH && how != unix.LOCK_EX && how != unix.LOCK_UN {
		return 0, unix.EINVAL
	}
	return onFile(t, a, func(f *vfs.File) error { return f.Flock(t.VFS(), how, op&unix.LOCK_NB == 0) })
}

// flockSize is sizeof(struct flock): l_type, l_whence, l_start, l_len, l_pid, on both
// architectures at these places.
const (
	flockSize   = 32
	flockWhence = 2
	flockStart  = 8
	flockLen    = 16
	flockPID    = 24
)

// recordLock does the fcntl commands with a struct flock.
func recordLock(t *task.Task, f *vfs.File, cmd int, a *Args) (uint64, error) {
	var b [flockSize]byte
	if err := t.CopyIn(b[:], a.Addr(2)); err != nil {
		return 0, err
	}
	get := cmd == unix.F_GETLK || cmd == unix.F_OFD_GETLK
	ofd := cmd == unix.F_OFD_GETLK || cmd == unix.F_OFD_SETLK || cmd == unix.F_OFD_SETLKW
	l := vfs.RecordLock{Type: int(int16(le.Uint16(b[:])))}
	if get && l.Type != unix.F_RDLCK && l.Type != unix.F_WRLCK {
		return 0, unix.EINVAL
	}
	var err error
	whence := int(int16(le.Uint16(b[flockWhence:])))
	l.Start, l.End, err = f.LockRange(whence, int64(le.Uint64(b[flockStart:])), int64(le.Uint64(b[flockLen:])))
	if err != nil {
		return 0, err
	}
	switch l.Type {
	case unix.F_RDLCK, unix.F_WRLCK, unix.F_UNLCK:
	default:
		return 0, unix.EINVAL
	}
	if ofd && le.Uint32(b[flockPID:]) != 0 {
		return 0, unix.EINVAL
	}
	if !get {
		block := cmd == unix.F_SETLKW || cmd == unix.F_OFD_SETLKW
		if err := f.SetLock(t.VFS(), &l, ofd, block); err != nil {
			return 0, err
		}
		// Another thread may have closed the descriptor before the lock was there to be
		// removed with it.
		if !ofd && l.Type != unix.F_UNLCK && !t.Files.Holds(a.Int(0), f) {
			l.Type = unix.F_UNLCK
			f.SetLock(t.VFS(), &l, ofd, false)
			return 0, unix.EBADF
		}
		return 0, nil
	}
	f.TestLock(t.VFS(), &l, ofd)
	le.PutUint16(b[:], uint16(l.Type))
	if l.Type != unix.F_UNLCK {
		n := l.End - l.Start + 1
		if n < 0 || l.End == 1<<63-1 {
			n = 0 // to the end, wherever that is
		}
		le.PutUint16(b[flockWhence:], unix.SEEK_SET)
		le.PutUint64(b[flockStart:], uint64(l.Start))
		le.PutUint64(b[flockLen:], uint64(n))
		le.PutUint32(b[flockPID:], uint32(t.Seen(l.PID)))
	}
	return 0, t.CopyOut(a.Addr(2), b[:])
}
