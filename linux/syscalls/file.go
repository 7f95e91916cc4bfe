package syscalls

import (
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Calls on open files: descriptors, reading and writing.
var fileRows = []Row{
	{Name: "openat", Args: []Kind{DirFD, Path, OpenFlags, Mode}, Do: sysOpenat},
	{Name: "open", Args: []Kind{Path, OpenFlags, Mode}, Do: sysOpen},
	{Name: "creat", Args: []Kind{Path, Mode}, Do: sysCreat},
	{Name: "close", Args: []Kind{FD}, Do: sysClose},
	{Name: "read", Args: []Kind{FD, OutBuf, Size}, Do: sysRead},
	{Name: "write", Args: []Kind{FD, Buf, Size}, Do: sysWrite},
	{Name: "pread64", Args: []Kind{FD, OutBuf, Size, Off}, Do: sysPread64},
	{Name: "pwrite64", Args: []Kind{FD, Buf, Size, Off}, Do: sysPwrite64},
	{Name: "readv", Args: []Kind{FD, Iovec, Int}, Do: sysReadv},
	{Name: "writev", Args: []Kind{FD, Iovec, Int}, Do: sysWritev},
	{Name: "preadv", Args: []Kind{FD, Iovec, Int, Off}, Do: sysPreadv},
	{Name: "pwritev", Args: []Kind{FD, Iovec, Int, Off}, Do: sysPwritev},
	{Name: "lseek", Args: []Kind{FD, Off, Int}, Do: sysLseek},
	{Name: "dup", Args: []Kind{FD}, Do: sysDup},
	{Name: "dup2", Args: []Kind{FD, FD}, Do: sysDup2},
	{Name: "dup3", Args: []Kind{FD, FD, OpenFlags}, Do: sysDup3},
	{Name: "ftruncate", Args: []Kind{FD, Off}, Do: sysFtruncate},
	{Name: "fallocate", Args: []Kind{FD, Hex, Off, Off}, Do: sysFallocate},
	{Name: "fsync", Args: []Kind{FD}, Do: sysFsync},
	{Name: "fdatasync", Args: []Kind{FD}, Do: sysFdatasync},
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
	const page = 4096
	for n := 0; n < len(buf); {
		k := min(len(buf)-n, page-int(uint64(p)%page))
		got, err := t.Memory().CopyIn(buf[n:n+k], p)
		for i, b := range buf[n : n+got] {
			if b == 0 {
				return buf[:n+i], nil
			}
		}
		if err != nil {
			return nil, unix.EFAULT
		}
		n += k
		p += user.Addr(k)
	}
	return nil, unix.ENAMETOOLONG
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
	c := t.VFS()
	var fd int
	err := withPath(t, path, func(name []byte) (err error) {
		if fd, err = t.Files.Reserve(c, 0, flags&unix.O_CLOEXEC != 0); err != nil {
			return err
		}
		f, err := vfs.Open(c, dirfd, name, flags, mode&0o7777, 0)
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

func sysRead(t *task.Task, a *Args) (uint64, error) {
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	io := t.Buffer(a.Addr(1), transfer(a.Size(2)))
	n, err := f.Read(t.VFS(), &io)
	return uint64(n), err
}

func sysWrite(t *task.Task, a *Args) (uint64, error) {
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	io := t.Buffer(a.Addr(1), transfer(a.Size(2)))
	n, err := f.Write(t.VFS(), &io)
	return uint64(n), err
}

func sysPread64(t *task.Task, a *Args) (uint64, error) {
	if a.Long(3) < 0 {
		return 0, unix.EINVAL
	}
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	io := t.Buffer(a.Addr(1), transfer(a.Size(2)))
	n, err := f.ReadAt(t.VFS(), &io, a.Long(3))
	return uint64(n), err
}

func sysPwrite64(t *task.Task, a *Args) (uint64, error) {
	if a.Long(3) < 0 {
		return 0, unix.EINVAL
	}
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	io := t.Buffer(a.Addr(1), transfer(a.Size(2)))
	n, err := f.WriteAt(t.VFS(), &io, a.Long(3))
	return uint64(n), err
}

// maxIovecs is UIO_MAXIOV.
const maxIovecs = 1024

// vectors reads n struct iovec at p.
func vectors(t *task.Task, p user.Addr, n int) (io user.IO, err error) {
	if n < 0 || n > maxIovecs {
		return io, unix.EINVAL
	}
	raw := make([]byte, 16*n)
	if err := t.CopyIn(raw, p); err != nil {
		return io, err
	}
	vecs := make([]user.Iovec, n)
	left := vfs.MaxTransfer
	for i := range vecs {
		base := binary.LittleEndian.Uint64(raw[16*i:])
		length := int64(binary.LittleEndian.Uint64(raw[16*i+8:]))
		if length < 0 {
			return io, unix.EINVAL
		}
		vecs[i] = user.Iovec{Base: user.Addr(base), Len: int(min(length, int64(left)))}
		left -= vecs[i].Len
	}
	return user.Vector(t.Memory(), vecs), nil
}

// vectored does one of the calls with an iovec array; off is nil for the position.
func vectored(t *task.Task, a *Args, do func(f *vfs.File, io *user.IO) (int, error)) (uint64, error) {
	f, err := t.Files.Get(a.Int(0))
	if err != nil {
		return 0, err
	}
	defer f.Unref()
	io, err := vectors(t, a.Addr(1), a.Int(2))
	if err != nil {
		return 0, err
	}
	n, err := do(f, &io)
	return uint64(n), err
}

func sysReadv(t *task.Task, a *Args) (uint64, error) {
	return vectored(t, a, func(f *vfs.File, io *user.IO) (int, error) { return f.Read(t.VFS(), io) })
}

func sysWritev(t *task.Task, a *Args) (uint64, error) {
	return vectored(t, a, func(f *vfs.File, io *user.IO) (int, error) { return f.Write(t.VFS(), io) })
}

func sysPreadv(t *task.Task, a *Args) (uint64, error) {
	if a.Long(3) < 0 {
		return 0, unix.EINVAL
	}
	return vectored(t, a, func(f *vfs.File, io *user.IO) (int, error) { return f.ReadAt(t.VFS(), io, a.Long(3)) })
}

func sysPwritev(t *task.Task, a *Args) (uint64, error) {
	if a.Long(3) < 0 {
		return 0, unix.EINVAL
	}
	return vectored(t, a, func(f *vfs.File, io *user.IO) (int, error) { return f.WriteAt(t.VFS(), io, a.Long(3)) })
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
