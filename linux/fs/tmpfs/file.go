package tmpfs

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/mm"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/machine/mem"
)

// maxSize is the largest file: page indices times the page size stay positive.
const maxSize = 1<<63 - 1 - mem.PageSize

// Open implements vfs.InodeOps.
func (n *node) Open(c *vfs.Context, i *vfs.Inode, f *vfs.File) (vfs.FileOps, error) {
	switch i.Type() {
	case unix.S_IFREG:
		return fileOps{n: n}, nil
	case unix.S_IFDIR:
		return dirOps{n: n}, nil
	}
	return vfs.OpenSpecial(c, i, f)
}

// fileOps is an open regular file.
type fileOps struct {
	vfs.DefaultOps
	n *node
}

func (o fileOps) Seekable() bool { return true }

func (o fileOps) Read(c *vfs.Context, f *vfs.File, dst *user.IO, off int64) (int, error) {
	n, err := o.n.data.Read(dst, off)
	if n > 0 || err == nil {
		f.Accessed()
	}
	return n, err
}

// Write holds the inode's lock, so that writes, appends and truncation exclude each
// other. The file grows after the bytes are there.
func (o fileOps) Write(c *vfs.Context, f *vfs.File, src *user.IO, off int64) (int, error) {
	if src.Len() == 0 {
		return 0, nil
	}
	n := o.n
	n.Mu.Lock()
	defer n.Mu.Unlock()
	atEnd := off == vfs.AtEnd
	if atEnd {
		off = n.Size()
	}
	if off >= maxSize {
		return 0, unix.EFBIG
	}
	src.Limit(int(min(int64(src.Len()), maxSize-off)))
	if err := c.LimitWrite(src, off); err != nil {
		return 0, err
	}
	if err := n.sealedWrite(src, off); err != nil {
		return 0, err
	}
	f.Modified(c)
	done, err := n.data.Write(src, off)
	n.SetSize(n.data.Size())
	if atEnd {
		f.AppendedTo(off + int64(done))
	}
	return done, err
}

func (o fileOps) Seek(f *vfs.File, off int64, whence int, pos int64) (int64, error) {
	switch whence {
	case unix.SEEK_DATA:
		return o.n.data.SeekData(off)
	case unix.SEEK_HOLE:
		return o.n.data.SeekHole(off)
	}
	return vfs.SeekIn(off, whence, pos, o.n.Size())
}

// Map implements vfs.FileOps: programs map the pages that reads and writes use.
func (o fileOps) Map(*vfs.File) (mm.Object, error)          { return o.n.data, nil }
func (o fileOps) Fsync(*vfs.Context, *vfs.File, bool) error { return nil }

func (o fileOps) Fallocate(c *vfs.Context, f *vfs.File, mode uint32, off, length int64) error {
	const keep, punch = unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_PUNCH_HOLE
	if mode&^(keep|punch) != 0 {
		return unix.EOPNOTSUPP
	}
	n := o.n
	n.Mu.Lock()
	defer n.Mu.Unlock()
	if mode&punch != 0 {
		if n.seals.Get()&(unix.F_SEAL_WRITE|unix.F_SEAL_FUTURE_WRITE) != 0 {
			return unix.EPERM
		}
		f.Modified(c)
		return n.data.Punch(off, length)
	}
	if end := off + length; end > n.Size() {
		if err := c.CheckFileSize(end); err != nil {
			return err
		}
		if err := n.sealedSize(end); err != nil {
			return err
		}
	}
	f.Modified(c)
	if err := n.data.Allocate(off, length); err != nil {
		return err
	}
	if mode&keep == 0 && off+length > n.Size() {
		n.data.Grow(off + length)
		n.SetSize(off + length)
	}
	return nil
}
