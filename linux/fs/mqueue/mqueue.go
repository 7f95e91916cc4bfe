// Package mqueue is POSIX message queues (mq_overview(7)): the file system that they are
// files of, usually at /dev/mqueue, and what the mq_ system calls do with an open one. Each
// IPC namespace has a file system of its own, whether or not it is mounted somewhere.
package mqueue

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
	"kevlar/linux/fs/pseudo"
	"kevlar/linux/ipc"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

const magic = 0x19800202

// Type is the file system, for vfs.RegisterFS.
var Type = &vfs.FSType{Name: "mqueue", NoDevice: true, ForUsers: true, For: ipcOwner}

// ipcOwner is who the instance that c mounts belongs to: the user namespace that the IPC
// namespace which it shows belongs to.
func ipcOwner(c *vfs.Context) *cred.UserNS {
	if t := task.Of(c); t != nil {
		return t.IPC().Owner()
	}
	return nil
}

func init() {
	Type.Mount = func(c *vfs.Context, _ string, _ bool, _ string) (*vfs.Superblock, error) {
		t := task.Of(c)
		if t == nil {
			return nil, unix.EINVAL
		}
		fs, err := Of(t)
		if err != nil {
			return nil, err
		}
		return fs.sb, nil
	}
}

// Register makes the file system known; the kernel calls it at boot.
func Register() { vfs.RegisterFS(Type) }

// Limits: /proc/sys/fs/mqueue. The hard ones are for CAP_SYS_RESOURCE.
const (
	maxQueues    = 256
	defaultMax   = 10
	defaultSize  = 8192
	softMax      = 10
	softSize     = 8192
	hardMax      = 65536
	hardSize     = 16 << 20
	MaxPriority  = 32768 // one more than the highest
	messageExtra = 96    // what a message takes of RLIMIT_MSGQUEUE beyond its text
)

// Attr is struct mq_attr, but for its flags.
type Attr struct{ Max, Size, Now int64 }

// FS are the message queues of an IPC namespace.
type FS struct {
	vfs.DefaultSuper
	sb   *vfs.Superblock
	dir  *pseudo.Dir
	view *vfs.FSInfo // with the file system as its root, for mq_open

	// opening is held while Open may create a queue with the attributes in want. It comes
	// before all locks of package vfs.
	opening sync.Mutex
	want    *Attr

	mu     sync.Mutex // guards what follows; leaf
	queues int
	bytes  map[uint32]uint64 // by user: RLIMIT_MSGQUEUE
}

// Of returns the queues that t's calls are about.
func Of(t *task.Task) (*FS, error) {
	p, err := t.IPC().Part(func() (ipc.Part, error) { return newFS(t.IPC().Owner()), nil })
	if err != nil {
		return nil, err
	}
	return p.(*FS), nil
}

func newFS(owner *cred.UserNS) *FS {
	fs := &FS{bytes: make(map[uint32]uint64)}
	fs.sb = vfs.NewSuperblock(Type, magic, fs)
	fs.sb.User = owner
	root := &vfs.Inode{}
	fs.dir = pseudo.NewDir(fs.sb, unix.S_ISVTX|0o777, true)
	root.Init(fs.sb, &directory{Dir: fs.dir, fs: fs}, fs.dir.Inode().Ino, &vfs.NewNode{
		Mode: unix.S_IFDIR | unix.S_ISVTX | 0o777, UID: owner.Owner(), GID: owner.Group(),
	})
	fs.sb.NewRoot(root)
	ns := vfs.NewMountNS(fs.sb, "mqueue")
	fs.view = vfs.NewFSInfo(ns)
	ns.Unref()
	return fs
}

// End implements ipc.Part.
func (fs *FS) End() { fs.view.Unref() }

// within returns c as if the file system were its root.
func (fs *FS) within(c *vfs.Context) *vfs.Context {
	in := *c
	in.FS = fs.view
	return &in
}

// Open is mq_open(2), with a name as the C library gives it: without its slash. attr may be
// nil. mode has the umask applied.
func (fs *FS) Open(c *vfs.Context, name []byte, flags, mode uint32, attr *Attr) (*vfs.File, error) {
	if err := check(name); err != nil {
		return nil, err
	}
	if flags&unix.O_ACCMODE == unix.O_ACCMODE {
		return nil, unix.EINVAL
	}
	fs.opening.Lock()
	defer fs.opening.Unlock()
	fs.want = attr
	defer func() { fs.want = nil }()
	const known = unix.O_ACCMODE | unix.O_CREAT | unix.O_EXCL | unix.O_NONBLOCK
	in := fs.within(c)
	return vfs.Open(in, unix.AT_FDCWD, append([]byte("/"), name...), flags&known, mode, 0)
}

// Unlink is mq_unlink(2).
func (fs *FS) Unlink(c *vfs.Context, name []byte) error {
	if err := check(name); err != nil {
		return err
	}
	return vfs.Unlink(fs.within(c), unix.AT_FDCWD, append([]byte("/"), name...))
}

// check finds names that no queue can have.
func check(name []byte) error {
	switch {
	case len(name) == 0:
		return unix.ENOENT
	case string(name) == ".", string(name) == "..":
		return unix.EACCES
	}
	for _, b := range name {
		if b == '/' {
			return unix.EACCES
		}
	}
	return nil
}

// directory is the root: pseudo.Dir with queues that programs make and remove.
type directory struct {
	*pseudo.Dir
	fs *FS
}

// Create implements vfs.InodeOps.
func (d *directory) Create(c *vfs.Context, _ *vfs.Inode, name string, n *vfs.NewNode) (*vfs.Inode, error) {
	if n.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, unix.EPERM
	}
	attr := Attr{Max: defaultMax, Size: defaultSize}
	if d.fs.want != nil {
		attr = *d.fs.want
	}
	privileged := c.Capable(unix.CAP_SYS_RESOURCE)
	q, err := d.fs.newQueue(attr, n.UID, c.Limit(unix.RLIMIT_MSGQUEUE), privileged)
	if err != nil {
		return nil, err
	}
	i := &vfs.Inode{}
	i.Init(d.fs.sb, &node{q: q}, d.fs.sb.NextIno(), n)
	i.SetSize(textSize)
	d.Add(name, i)
	return i, nil
}

// Unlink implements vfs.InodeOps.
func (d *directory) Unlink(_ *vfs.Context, _ *vfs.Inode, name string, _ *vfs.Inode) error {
	d.Remove(name)
	return nil
}

// newQueue makes a queue: ENOSPC over the namespace's limit, EINVAL for attributes out of
// bounds, EMFILE over the user's RLIMIT_MSGQUEUE.
func (fs *FS) newQueue(a Attr, uid uint32, limit uint64, privileged bool) (*Queue, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.queues >= maxQueues && !privileged {
		return nil, unix.ENOSPC
	}
	most, size := int64(softMax), int64(softSize)
	if privileged {
		most, size = hardMax, hardSize
	}
	if a.Max <= 0 || a.Size <= 0 || a.Max > most || a.Size > size {
		return nil, unix.EINVAL
	}
	bytes := uint64(a.Max) * uint64(a.Size+messageExtra)
	if fs.bytes[uid]+bytes > limit {
		return nil, unix.EMFILE
	}
	fs.bytes[uid] += bytes
	fs.queues++
	return &Queue{fs: fs, uid: uid, charged: bytes, max: int(a.Max), size: int(a.Size)}, nil
}

// node is the inode of a queue.
type node struct {
	vfs.DefaultInode
	q *Queue
}

// Open implements vfs.InodeOps.
func (n *node) Open(*vfs.Context, *vfs.Inode, *vfs.File) (vfs.FileOps, error) {
	return &File{Q: n.q}, nil
}

// Setattr implements vfs.InodeOps.
func (n *node) Setattr(_ *vfs.Context, _ *vfs.Inode, a *vfs.Attr) error { return pseudo.Setattr(a) }

// Evict implements vfs.InodeOps.
func (n *node) Evict(*vfs.Inode) {
	fs := n.q.fs
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.queues--
	if fs.bytes[n.q.uid] -= n.q.charged; fs.bytes[n.q.uid] == 0 {
		delete(fs.bytes, n.q.uid)
	}
}

// textSize is the length of what a queue's file reads as.
const textSize = 80

// Read implements vfs.FileOps: the file tells about the queue (mq_overview(7)).
func (f *File) Read(_ *vfs.Context, _ *vfs.File, dst *user.IO, off int64) (int, error) {
	q := f.Q
	q.mu.Lock()
	text := fmt.Sprintf("QSIZE:%-10d NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
		q.bytes, q.notify.how(), q.notify.signo(), q.notify.pid())
	q.mu.Unlock()
	if off >= int64(len(text)) {
		return 0, nil
	}
	return dst.Write([]byte(text[off:]))
}

// Seekable implements vfs.FileOps.
func (f *File) Seekable() bool { return true }
