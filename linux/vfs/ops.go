package vfs

import (
	"math"

	"golang.org/x/sys/unix"

	"kevlar/linux/mm"
	"kevlar/linux/user"
	"kevlar/linux/wait"
)

// DefaultOps is the FileOps of a file that can do nothing: each call answers what
// Linux answers for a file without that operation.
type DefaultOps struct{}

var _ FileOps = DefaultOps{}

func (DefaultOps) Read(*Context, *File, *user.IO, int64) (int, error)  { return 0, unix.EINVAL }
func (DefaultOps) Write(*Context, *File, *user.IO, int64) (int, error) { return 0, unix.EINVAL }

// Poll: a file that never blocks is always ready (poll(2)).
func (DefaultOps) Poll(*File, *wait.Entry) wait.Events { return alwaysReady }
func (DefaultOps) Unpoll(*File, *wait.Entry)           {}

const alwaysReady = wait.In | wait.Out | wait.RdNorm | wait.WrNorm

func (DefaultOps) Ioctl(*Context, *File, uint32, uint64, user.Memory) (uint64, error) {
	return 0, unix.ENOTTY
}

func (DefaultOps) Seekable() bool { return false }

func (DefaultOps) Seek(f *File, off int64, whence int, pos int64) (int64, error) {
	return SeekIn(off, whence, pos, f.inode.Size())
}

func (DefaultOps) ReadDir(*Context, *File, int64, func(DirEntry) bool) error { return unix.ENOTDIR }

func (DefaultOps) Map(*File) (mm.Object, error)                          { return nil, unix.ENODEV }
func (DefaultOps) Fsync(*Context, *File, bool) error                     { return unix.EINVAL }
func (DefaultOps) Truncate(*Context, *File, int64) error                 { return unix.EINVAL }
func (DefaultOps) Fallocate(*Context, *File, uint32, int64, int64) error { return unix.EOPNOTSUPP }
func (DefaultOps) Flush(*Context, *File) error                           { return nil }
func (DefaultOps) Release(*File)                                         {}

// Stays, embedded beside DefaultOps, makes lseek succeed and do nothing, as it does on
// eventfd, epoll, timerfd, signalfd and inotify files.
type Stays struct{}

func (Stays) stays() {}

// SeekIn is lseek in a file of the given size whose data has no holes.
func SeekIn(off int64, whence int, pos, size int64) (int64, error) {
	var base int64
	switch whence {
	case unix.SEEK_SET:
	case unix.SEEK_CUR:
		base = pos
	case unix.SEEK_END:
		base = size
	case unix.SEEK_DATA, unix.SEEK_HOLE:
		if off < 0 || off >= size {
			return 0, unix.ENXIO
		}
		if whence == unix.SEEK_HOLE {
			return size, nil
		}
		return off, nil
	default:
		return 0, unix.EINVAL
	}
	if off > 0 && base > math.MaxInt64-off {
		return 0, unix.EINVAL
	}
	if base+off < 0 {
		return 0, unix.EINVAL
	}
	return base + off, nil
}
