// Package pseudo is what file systems are made of whose files the kernel writes when they
// are read: procfs, sysfs, cgroupfs. A text file is generated whole at the first read of
// an open file, and anew whenever a read begins at its start, so that a program that reads
// it in pieces sees one moment. Nothing is locked while a program's memory is touched.
package pseudo

import (
	"bytes"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Text is a file whose contents Show generates.
type Text struct {
	vfs.DefaultInode
	// Show writes the contents. A nil Show makes reads fail with EINVAL.
	Show func(c *vfs.Context, w *bytes.Buffer) error
	// Store takes what one write call has. A nil Store makes writes fail with NoStore,
	// EINVAL where that is nil.
	Store   func(c *vfs.Context, data []byte) error
	NoStore error
	// FromStart makes a write that does not begin at the start of the file fail with EINVAL.
	FromStart bool
	// Check, where not nil, may refuse an open.
	Check func(c *vfs.Context, f *vfs.File) error
	// Watch, where not nil, is a queue that announces changes, and how many there were:
	// poll reports POLLERR and POLLPRI once after each.
	Watch func() (*wait.Queue, uint64)
	// ToEnd lets lseek take SEEK_END, as for a file that is no seq_file on Linux.
	ToEnd bool
}

// Setattr implements vfs.InodeOps: a size is taken and forgotten, as open(O_TRUNC) asks.
func (t *Text) Setattr(_ *vfs.Context, _ *vfs.Inode, a *vfs.Attr) error { return Setattr(a) }

// Setattr refuses changes of owner and permissions.
func Setattr(a *vfs.Attr) error {
	if a.Set&(vfs.SetMode|vfs.SetUID|vfs.SetGID) != 0 {
		return unix.EPERM
	}
	return nil
}

// Open implements vfs.InodeOps.
func (t *Text) Open(c *vfs.Context, _ *vfs.Inode, f *vfs.File) (vfs.FileOps, error) {
	if t.Check != nil {
		if err := t.Check(c, f); err != nil {
			return nil, err
		}
	}
	o := &open{t: t}
	if t.Watch != nil {
		_, o.seen = t.Watch()
	}
	return o, nil
}

// open is an open text file. mu guards data and seen.
type open struct {
	vfs.DefaultOps
	t *Text

	mu   sync.Mutex
	data []byte // what has been generated; never changed, only replaced
	made bool
	seen uint64 // changes that poll has reported
}

// maxWrite is the most that one write of a text file takes.
const maxWrite = 1 << 16

// Read implements vfs.FileOps.
func (o *open) Read(c *vfs.Context, _ *vfs.File, dst *user.IO, off int64) (int, error) {
	if o.t.Show == nil {
		return 0, unix.EINVAL
	}
	o.mu.Lock()
	data, made := o.data, o.made
	o.mu.Unlock()
	if off == 0 || !made {
		var w bytes.Buffer
		if err := o.t.Show(c, &w); err != nil {
			return 0, err
		}
		data = w.Bytes()
		o.mu.Lock()
		o.data, o.made = data, true
		o.mu.Unlock()
	}
	if off >= int64(len(data)) {
		return 0, nil
	}
	return dst.Write(data[off:])
}

// Write implements vfs.FileOps.
func (o *open) Write(c *vfs.Context, _ *vfs.File, src *user.IO, off int64) (int, error) {
	if o.t.Store == nil {
		if o.t.NoStore != nil {
			return 0, o.t.NoStore
		}
		return 0, unix.EINVAL
	}
	if o.t.FromStart && off != 0 {
		return 0, unix.EINVAL
	}
	n := src.Len()
	if n > maxWrite {
		return 0, unix.ENOMEM
	}
	data := make([]byte, n)
	if _, err := src.Read(data); err != nil {
		return 0, err
	}
	if err := o.t.Store(c, data); err != nil {
		return 0, err
	}
	return n, nil
}

// Poll implements vfs.FileOps.
func (o *open) Poll(f *vfs.File, e *wait.Entry) wait.Events {
	events := o.DefaultOps.Poll(f, nil)
	if o.t.Watch == nil {
		return events
	}
	q, _ := o.t.Watch()
	if e != nil {
		q.Add(e)
	}
	_, now := o.t.Watch()
	o.mu.Lock()
	defer o.mu.Unlock()
	if now != o.seen {
		o.seen = now
		events |= wait.Err | wait.Pri
	}
	return events
}

// Unpoll implements vfs.FileOps.
func (o *open) Unpoll(_ *vfs.File, e *wait.Entry) {
	if o.t.Watch != nil {
		q, _ := o.t.Watch()
		q.Remove(e)
	}
}

// Seekable implements vfs.FileOps.
func (*open) Seekable() bool { return true }

// Seek implements vfs.FileOps.
func (o *open) Seek(_ *vfs.File, off int64, whence int, pos int64) (int64, error) {
	if whence != unix.SEEK_SET && whence != unix.SEEK_CUR && !(whence == unix.SEEK_END && o.t.ToEnd) {
		return 0, unix.EINVAL
	}
	return vfs.SeekIn(off, whence, pos, 0)
}

// Node makes an inode that ops serve, root's, with type and permissions mode.
func Node(sb *vfs.Superblock, ops vfs.InodeOps, mode uint32) *vfs.Inode {
	i := &vfs.Inode{}
	i.Init(sb, ops, sb.NextIno(), &vfs.NewNode{Mode: mode})
	return i
}

// Link makes a symbolic link.
func Link(sb *vfs.Superblock, target string) *vfs.Inode {
	i := Node(sb, link{}, unix.S_IFLNK|0o777)
	i.Target = []byte(target)
	return i
}

type link struct{ vfs.DefaultInode }

func (link) Setattr(_ *vfs.Context, _ *vfs.Inode, a *vfs.Attr) error { return Setattr(a) }
