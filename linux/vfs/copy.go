package vfs

import (
	"math"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
)

// copyBuffers are what bytes go through from one file to another.
var copyBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// CopyTo moves up to n bytes from *off of f to another file, at *to or, where that is
// nil, its position, and moves the offsets on. What the other file does not take is
// not read.
func (f *File) CopyTo(c *Context, off *int64, out *File, to *int64, n int) (total int, err error) {
	buf := copyBuffers.Get().(*[64 << 10]byte)
	defer copyBuffers.Put(buf)
	for total < n && err == nil {
		dst := user.Kernel(buf[:min(n-total, len(buf))])
		got, readErr := f.ReadAt(c, &dst, *off)
		if got == 0 {
			err = readErr
			break
		}
		how := Transfer{Off: Current}
		if to != nil {
			how.Off = *to
		}
		var done int
		src := user.Kernel(buf[:got])
		done, err = out.WriteAs(c, &src, how)
		total += done
		*off += int64(done)
		if to != nil {
			*to += int64(done)
		}
		if done < got {
			break
		}
	}
	if total > 0 {
		return total, nil
	}
	return 0, err
}

// CopyRange is copy_file_range(2) from *off of f, to *to of out; it moves the offsets on.
func (f *File) CopyRange(c *Context, off *int64, out *File, to *int64, n uint64) (int, error) {
	i, o := f.inode, out.inode
	switch {
	case i.IsDir() || o.IsDir():
		return 0, unix.EISDIR
	case i.Type() != unix.S_IFREG || o.Type() != unix.S_IFREG:
		return 0, unix.EINVAL
	case !f.Readable() || !out.Writable() || out.Append():
		return 0, unix.EBADF
	case i.SB != o.SB:
		return 0, unix.EXDEV
	case *off < 0 || *to < 0:
		return 0, unix.EINVAL
	case n > uint64(math.MaxInt64-max(*off, *to)):
		return 0, unix.EOVERFLOW
	}
	count := min(int64(n), max(0, i.Size()-*off))
	if count > 0 && *to+count > maxFileSize {
		return 0, unix.EFBIG
	}
	if i == o && *to+count > *off && *to < *off+count {
		return 0, unix.EINVAL
	}
	return f.CopyTo(c, off, out, to, int(min(count, MaxTransfer)))
}
