package syscalls

import (
	"math"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/machine/pgtable"
)

// Calls on open files: descriptors, reading and writing.
var fileRows = []Row{
	{Name: "openat", Args: []Kind{DirFD, Path, OpenFlags, Mode}, Do: sysOpenat,
		Contracts: []string{"filesystem/openat_flags", "filesystem/open_mode_umask", "fd/fifo_open"}},
	{Name: "open", Args: []Kind{Path, OpenFlags, Mode}, Do: sysOpen, Contracts: []string{"filesystem/openat_flags", "abi/legacy_calls"}},
	{Name: "creat", Args: []Kind{Path, Mode}, Do: sysCreat, Contracts: []string{"abi/legacy_calls"}},
	{Name: "close", Args: []Kind{FD}, Do: sysClose, Contracts: []string{"fd/close_rules", "fd/close_while_blocked", "events/close_under_waiter"}},
	{Name: "close_range", Args: []Kind{Uint, Uint, Hex}, Do: sysCloseRange, Contracts: []string{"fd/close_rules"}},
	{Name: "read", Args: []Kind{FD, OutBuf, Size}, Do: sysRead, Contracts: []string{"fd/read_write_errors", "fd/pipe_blocking", "signals/restart_read"}},
	{Name: "write", Args: []Kind{FD, Buf, Size}, Do: sysWrite, Contracts: []string{"fd/read_write_errors", "fd/append_atomicity", "signals/sigpipe_rules"}},
	{Name: "pread64", Args: []Kind{FD, OutBuf, Size, Off}, Do: sysPread64, Contracts: []string{"fd/pread_pwrite"}},
	{Name: "pwrite64", Args: []Kind{FD, Buf, Size, Off}, Do: sysPwrite64, Contracts: []string{"fd/pread_pwrite", "fd/pwritev2_flags"}},
	{Name: "readv", Args: []Kind{FD, Out | Iovec, Int}, Do: sysReadv, Contracts: []string{"fd/readv_writev"}},
	{Name: "writev", Args: []Kind{FD, Iovec, Int}, Do: sysWritev, Contracts: []string{"fd/readv_writev"}},
	{Name: "preadv", Args: []Kind{FD, Out | Iovec, Int, Off}, Do: sysPreadv, Contracts: []string{"fd/pwritev2_flags"}},
	{Name: "pwritev", Args: []Kind{FD, Iovec, Int, Off}, Do: sysPwritev, Contracts: []string{"fd/pwritev2_flags"}},
	{Name: "preadv2", Args: []Kind{FD, Out | Iovec, Int, Off, None, Hex}, Do: sysPreadv2, Contracts: []string{"fd/pread_pwrite", "fd/pwritev2_flags"}},
	{Name: "pwritev2", Args: []Kind{FD, Iovec, Int, Off, None, Hex}, Do: sysPwritev2, Contracts: []string{"fd/pwritev2_flags"}},
	{Name: "lseek", Args: []Kind{FD, Off, Whence}, Do: sysLseek, Contracts: []string{"fd/lseek_whence"}},
	{Name: "dup", Args: []Kind{FD}, Do: sysDup, Contracts: []string{"fd/dup_rules"}},
	{Name: "dup2", Args: []Kind{FD, FD}, Do: sysDup2, Contracts: []string{"fd/dup_rules", "abi/legacy_calls"}},
	{Name: "dup3", Args: []Kind{FD, FD, OpenFlags}, Do: sysDup3, Contracts: []string{"fd/dup_rules"}},
	{Name: "ftruncate", Args: []Kind{FD, Off}, Do: sysFtruncate, Contracts: []string{"filesystem/truncate_rules", "vm/mmap_truncate", "vm/mmap_file_edges"}},
	{Name: "fallocate", Args: []Kind{FD, Hex, Off, Off}, Do: sysFallocate, Contracts: []string{"filesystem/fallocate_modes"}},
	{Name: "fsync", Args: []Kind{FD}, Do: sysFsync, Contracts: []string{"filesystem/sync_calls"}},
	{Name: "fdatasync", Args: []Kind{FD}, Do: sysFdatasync, Contracts: []string{"filesystem/sync_calls"}},
	{Name: "sync", Do: sysSync, Contracts: []string{"filesystem/sync_calls"}},
	{Name: "syncfs", Args: []Kind{FD}, Do: sysSyncfs, Contracts: []string{"filesystem/sync_calls"}},
	{Name: "sync_file_range", Args: []Kind{FD, Off, Off, Hex}, Do: sysSyncFileRange,
		Contracts: []string{"filesystem/sync_calls", "filesystem/fallocate_modes"}},
	{Name: "fadvise64", Args: []Kind{FD, Off, Off, Int}, Do: sysFadvise64, Contracts: []string{"filesystem/sync_calls", "filesystem/fallocate_modes"}},
	{Name: "readahead", Args: []Kind{FD, Off, Size}, Do: sysReadahead, Contracts: []string{"filesystem/sync_calls", "filesystem/fallocate_modes"}},
}

// pathMax is PATH_MAX: the longest path with its NUL.
const pathMax = 4096

// pathBuffers keeps the buffers that paths are copied into.
var pathBuffers = sync.Pool{New: func() any { return new([pathMax]byte) }}

// withPath copies the path at p from t's memory, and calls f with it. The path is good
// only during the call.
func withPath(t *task.Task, p user.Addr, f func(name []byte) error) error {
	buf := pathBuffers.Get().(*[pathMax]byte)
	defer pathBuffers.Put(buf)
	name, err := copyString(t, buf[:], p)
	if err != nil {
		return err
	}
	return f(name)
}

// copyString copies the string at p into buf: ENAMETOOLONG if it does not fit with its
// NUL. It reads no page that the string does not reach.
func copyString(t *task.Task, buf []byte, p user.Addr) ([]byte, error) {
	n, err := t.Mem.CopyInString(buf, p)
	return buf[:n], err
}

func sysOpenat(t *task.Task, a *Args) (uint64, error) {
	return open(t, a.Int(0), a.Addr(1), a.Uint(2), a.Uint(3))
}

func sysOpen(t *task.Task, a *Args) (uint64, error) {
	return open(t, unix.AT_FDCWD, a.Addr(0), a.Uint(1), a.Uint(2))
}

func sysCreat(t *task.Task, a *Args) (uint64, error) {
	return open(t, unix.AT_FDCWD, a.Addr(0), unix.O_CREAT|unix.O_WRONLY|unix.O_TRUNC, a.Uint(1))
}

// open takes the descriptor first, so that a call that fails for want of one makes no
// file.
func open(t *task.Task, dirfd int, path user.Addr, flags, mode uint32) (uint64, error) {
	return openFile(t, dirfd, path, flags|abi.O_LARGEFILE, mode&0o7777, 0)
}

func openFile(t *task.Task, dirfd int, path user.Addr, flags, mode uint32, resolve vfs.LookupFlags) (uint64, error) {
	if err := vfs.CheckOpenFlags(flags); err != nil {
		return 0, err
	}
	c := t.VFS()
	var fd int
	err := withPath(t, path, func(name []byte) (err error) {
		if fd, err = t.Files.Reserve(c, 0, flags&unix.O_CLOEXEC != 0); err != nil {
			return err
		}
		f, err := vfs.Open(c, dirfd, name, flags, mode, resolve)
		if err != nil {
			t.Files.Abandon(fd)
			return err
		}
		t.Files.Fill(fd, f)
		return nil
	})
	return uint64(fd), err
}

func sysClose(t *task.Task, a *Args) (uint64, error) {
	return 0, t.Files.Close(t.VFS(), a.Int(0))
}

func sysCloseRange(t *task.Task, a *Args) (uint64, error) {
	first, last, flags := a.Uint(0), a.Uint(1), a.Uint(2)
	cloexec := flags&unix.CLOSE_RANGE_CLOEXEC != 0
	if flags&^(unix.CLOSE_RANGE_UNSHARE|unix.CLOSE_RANGE_CLOEXEC) != 0 || first > last {
		return 0, unix.EINVAL
	}
	if flags&unix.CLOSE_RANGE_UNSHARE != 0 && t.Files.Refs() > 1 {
		shared := t.Files
		if !cloexec && int(last) >= shared.Cap()-1 {
			t.Files = shared.ForkBelow(first) // what would be closed at once is not copied
		} else {
			t.Files = shared.Fork()
		}
		shared.Unref(t.VFS())
	}
	if cloexec {
		t.Files.SetCloseOnExecRange(first, last)
	} else {
		t.Files.CloseRange(t.VFS(), first, last)
	}
	return 0, nil
}

// reachable answers EFAULT for memory that no program can have. What is in reach may
// still be unmapped: that is found out byte by byte.
func reachable(p user.Addr, n uint64) error {
	if uint64(p) > pgtable.UserEnd || n > pgtable.UserEnd-uint64(p) {
		return unix.EFAULT
	}
	return nil
}

// mover is (*vfs.File).ReadAs or WriteAs.
type mover func(f *vfs.File, c *vfs.Context, io *user.IO, how vfs.Transfer) (int, error)

// moveBuffer does a read or write with the buffer in arguments 1 and 2.
func moveBuffer(t *task.Task, a *Args, off int64, do mover) (uint64, error) {
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	if err := reachable(a.Addr(1), a.Size(2)); err != nil {
		return 0, err
	}
	n, err := do(f, t.VFS(), t.Transfer(a.Addr(1), transfer(a.Size(2))), vfs.Transfer{Off: off})
	return uint64(n), err
}

func sysRead(t *task.Task, a *Args) (uint64, error) {
	return moveBuffer(t, a, vfs.Current, (*vfs.File).ReadAs)
}

func sysWrite(t *task.Task, a *Args) (uint64, error) {
	return moveBuffer(t, a, vfs.Current, (*vfs.File).WriteAs)
}

func sysPread64(t *task.Task, a *Args) (uint64, error) {
	if a.Long(3) < 0 {
		return 0, unix.EINVAL
	}
	return moveBuffer(t, a, a.Long(3), (*vfs.File).ReadAs)
}

func sysPwrite64(t *task.Task, a *Args) (uint64, error) {
	if a.Long(3) < 0 {
		return 0, unix.EINVAL
	}
	return moveBuffer(t, a, a.Long(3), (*vfs.File).WriteAs)
}

// moveVectors does a read or write with the struct iovec array in arguments 1 and 2.
func moveVectors(t *task.Task, a *Args, how vfs.Transfer, do mover) (uint64, error) {
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	v, err := getVectors(t, a.Addr(1), a.Size(2))
	if err != nil {
		return 0, err
	}
	defer v.put()
	n, err := do(f, t.VFS(), &v.io, how)
	return uint64(n), err
}

func sysReadv(t *task.Task, a *Args) (uint64, error) {
	return moveVectors(t, a, vfs.Transfer{Off: vfs.Current}, (*vfs.File).ReadAs)
}

func sysWritev(t *task.Task, a *Args) (uint64, error) {
	return moveVectors(t, a, vfs.Transfer{Off: vfs.Current}, (*vfs.File).WriteAs)
}

func sysPreadv(t *task.Task, a *Args) (uint64, error) {
	if a.Long(3) < 0 {
		return 0, unix.EINVAL
	}
	return moveVectors(t, a, vfs.Transfer{Off: a.Long(3)}, (*vfs.File).ReadAs)
}

func sysPwritev(t *task.Task, a *Args) (uint64, error) {
	if a.Long(3) < 0 {
		return 0, unix.EINVAL
	}
	return moveVectors(t, a, vfs.Transfer{Off: a.Long(3)}, (*vfs.File).WriteAs)
}

func sysPreadv2(t *task.Task, a *Args) (uint64, error) { return moveAs(t, a, (*vfs.File).ReadAs) }

func sysPwritev2(t *task.Task, a *Args) (uint64, error) { return moveAs(t, a, (*vfs.File).WriteAs) }

// moveAs is preadv2 and pwritev2: offset -1 stands for the file's position. The offset
// is in argument 3 alone; 4 is its upper half where a register holds 32 bits.
func moveAs(t *task.Task, a *Args, do mover) (uint64, error) {
	off, flags := a.Long(3), a.Uint(5)
	if off < vfs.Current {
		return 0, unix.EINVAL
	}
	const known = unix.RWF_HIPRI | unix.RWF_DSYNC | unix.RWF_SYNC | unix.RWF_APPEND
	if flags&^known != 0 {
		return 0, unix.EOPNOTSUPP // RWF_NOWAIT too: no file here can say that it would wait
	}
	how := vfs.Transfer{Off: off, Append: flags&unix.RWF_APPEND != 0, Sync: flags&(unix.RWF_DSYNC|unix.RWF_SYNC) != 0}
	return moveVectors(t, a, how, do)
}

// onFile calls do with the file of descriptor argument 0.
func onFile(t *task.Task, a *Args, do func(f *vfs.File) error) (uint64, error) {
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	return 0, do(f)
}

func sysLseek(t *task.Task, a *Args) (uint64, error) {
	var pos int64
	_, err := onFile(t, a, func(f *vfs.File) (err error) {
		pos, err = f.Seek(a.Long(1), a.Int(2))
		return err
	})
	return uint64(pos), err
}

func sysFtruncate(t *task.Task, a *Args) (uint64, error) {
	if a.Long(1) < 0 {
		return 0, unix.EINVAL
	}
	return onFile(t, a, func(f *vfs.File) error { return f.Truncate(t.VFS(), a.Long(1)) })
}

func sysFallocate(t *task.Task, a *Args) (uint64, error) {
	return onFile(t, a, func(f *vfs.File) error { return f.Allocate(t.VFS(), a.Uint(1), a.Long(2), a.Long(3)) })
}

func sysFsync(t *task.Task, a *Args) (uint64, error) {
	return onFile(t, a, func(f *vfs.File) error { return f.Sync(t.VFS(), false) })
}

func sysFdatasync(t *task.Task, a *Args) (uint64, error) {
	return onFile(t, a, func(f *vfs.File) error { return f.Sync(t.VFS(), true) })
}

// sysSync writes back every file system that the caller can see.
func sysSync(t *task.Task, _ *Args) (uint64, error) {
	done := make(map[*vfs.Superblock]bool)
	for _, m := range t.FS.Namespace().Mounts() {
		if !done[m.SB] {
			done[m.SB] = true
			m.SB.Ops.Sync()
		}
	}
	return 0, nil
}

func sysSyncfs(t *task.Task, a *Args) (uint64, error) {
	return onFile(t, a, func(f *vfs.File) error { return f.Path().Mnt.SB.Ops.Sync() })
}

// sysSyncFileRange writes back the whole file where it is asked to write at all.
func sysSyncFileRange(t *task.Task, a *Args) (uint64, error) {
	off, n, flags := a.Long(1), a.Long(2), a.Uint(3)
	return onFile(t, a, func(f *vfs.File) error {
		const known = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
		if flags&^known != 0 || off < 0 || n < 0 || n > math.MaxInt64-off {
			return unix.EINVAL
		}
		switch f.Inode().Type() {
		case unix.S_IFREG, unix.S_IFBLK:
			if flags&unix.SYNC_FILE_RANGE_WRITE != 0 {
				return f.Sync(t.VFS(), true)
			}
		case unix.S_IFDIR:
		default:
			return unix.ESPIPE
		}
		return nil
	})
}

// sysFadvise64 checks the advice, which is all that a program sees of it.
func sysFadvise64(t *task.Task, a *Args) (uint64, error) {
	return onFile(t, a, func(f *vfs.File) error {
		const noReuse = 5 // POSIX_FADV_NOREUSE, the last of them
		switch n, advice := a.Long(2), a.Int(3); {
		case f.Inode().Type() == unix.S_IFIFO:
			return unix.ESPIPE
		case n < 0 || advice < unix.FADV_NORMAL || advice > noReuse:
			return unix.EINVAL
		}
		return nil
	})
}

func sysReadahead(t *task.Task, a *Args) (uint64, error) {
	return onFile(t, a, func(f *vfs.File) error {
		if !f.Readable() {
			return unix.EBADF
		}
		if typ := f.Inode().Type(); typ != unix.S_IFREG && typ != unix.S_IFBLK {
			return unix.EINVAL
		}
		return nil
	})
}

func sysDup(t *task.Task, a *Args) (uint64, error) {
	f, err := t.Files.GetPath(a.Int(0))
	if err != nil {
		return 0, err
	}
	return install(t, f, false)
}

func sysDup2(t *task.Task, a *Args) (uint64, error) {
	if a.Int(0) == a.Int(1) {
		f, err := t.Files.GetPath(a.Int(0))
		if err != nil {
			return 0, err
		}
		f.Unref()
		return uint64(a.Int(0)), nil
	}
	return dup3(t, a.Int(0), a.Int(1), false)
}

func sysDup3(t *task.Task, a *Args) (uint64, error) {
	if a.Uint(2)&^unix.O_CLOEXEC != 0 || a.Int(0) == a.Int(1) {
		return 0, unix.EINVAL
	}
	return dup3(t, a.Int(0), a.Int(1), a.Uint(2)&unix.O_CLOEXEC != 0)
}

func dup3(t *task.Task, from, to int, cloexec bool) (uint64, error) {
	f, err := t.Files.GetPath(from)
	if err != nil {
		return 0, err
	}
	if err := t.Files.Replace(t.VFS(), f, to, cloexec); err != nil {
		f.Unref()
		return 0, err
	}
	return uint64(to), nil
}
