package vfs

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Files without a name in any directory: pipes, sockets, eventfd and their like. Their
// inodes are on superblocks of their own, and their paths are only for show.

// pseudoFS is one kind of them, with its mount that is in no namespace.
type pseudoFS struct {
	sb *Superblock
	m  *Mount
}

func newPseudoFS(name string, magic int64) *pseudoFS {
	sb := NewSuperblock(&FSType{Name: name, NoDevice: true}, magic, DefaultSuper{})
	root := &Inode{}
	root.Init(sb, DefaultInode{}, sb.NextIno(), &NewNode{Mode: unix.S_IFDIR | 0o555})
	m := newMount(sb, sb.NewRoot(root), "none", 0)
	return &pseudoFS{sb, m}
}

const (
	pipefsMagic = 0x50495045
	sockfsMagic = 0x534f434b
	anonMagic   = 0x09041934
)

var (
	pipes   = newPseudoFS("pipefs", pipefsMagic)
	sockets = newPseudoFS("sockfs", sockfsMagic)
	anons   = newPseudoFS("anon_inodefs", anonMagic)

	// anonInode is the one inode behind every anonymous file, as on Linux.
	anonInode = anons.inode(&Context{}, 0o600)
)

// Their file systems have names, but only the kernel mounts them.
func init() {
	for _, p := range []*pseudoFS{pipes, sockets} {
		p.sb.Type.Mount = func(*Context, string, bool, string) (*Superblock, error) { return nil, unix.EINVAL }
		RegisterFS(p.sb.Type)
	}
}

// pseudoInode opens a pipe again through /proc/PID/fd, and no socket (ENXIO).
type pseudoInode struct{ DefaultInode }

func (pseudoInode) Open(c *Context, i *Inode, f *File) (FileOps, error) {
	return OpenSpecial(c, i, f)
}

// inode makes an inode with the identity of c.
func (p *pseudoFS) inode(c *Context, mode uint32) *Inode {
	n := NewNode{Mode: mode}
	if c.Cred != nil {
		n.UID, n.GID = c.Cred.FSUID, c.Cred.FSGID
	}
	i := &Inode{}
	i.Init(p.sb, pseudoInode{}, p.sb.NextIno(), &n)
	return i
}

// open makes a File of inode i. shown is its path.
func (p *pseudoFS) open(i *Inode, shown string, ops FileOps, flags uint32) *File {
	d := &Dentry{sb: p.sb}
	d.place.Store(newPlace(nil, shown))
	d.inode.Store(i)
	i.use()
	f := newFile(Path{p.m, d}.Get(), i, flags)
	f.mode |= noNotify
	f.Ops = ops
	return f
}

// NewAnonFile returns an open file that ops serve: eventfd, epoll, timerfd, signalfd,
// pidfd and their like. name is what /proc/PID/fd shows after "anon_inode:", such as
// "[eventpoll]"; flags are open flags (access mode, O_NONBLOCK).
func NewAnonFile(name string, ops FileOps, flags uint32) *File {
	return anons.open(anonInode, "anon_inode:"+name, ops, flags)
}

// NewPipeInode and NewSocketInode return the inode behind a new pipe or socket. fstat
// shows c's identity as its owner.
func NewPipeInode(c *Context) *Inode   { return pipes.inode(c, unix.S_IFIFO|0o600) }
func NewSocketInode(c *Context) *Inode { return sockets.inode(c, unix.S_IFSOCK|0o777) }

// NewPseudoFile returns an open file of an inode that NewPipeInode or NewSocketInode
// made. A pipe's inode has two.
func NewPseudoFile(i *Inode, ops FileOps, flags uint32) *File {
	p, kind := pipes, "pipe:["
	if i.Type() == unix.S_IFSOCK {
		p, kind = sockets, "socket:["
	}
	f := p.open(i, kind+strconv.FormatUint(i.Ino, 10)+"]", ops, flags)
	f.mode &^= noNotify
	return f
}

// NewHiddenMount returns a mount of sb that is in no namespace, for OpenUnnamed.
func NewHiddenMount(sb *Superblock) *Mount { return newMount(sb, sb.Root, "none", 0) }

// OpenUnnamed opens a new file of a hidden mount, which no directory leads to. /proc shows
// it as a file called shown that has been removed.
func OpenUnnamed(c *Context, m *Mount, i *Inode, shown string, flags uint32) (*File, error) {
	i.nlink.Store(0)
	d := newDentry(nil, shown, i)
	d.unlinked.Store(true)
	return openAt(c, Path{m, d}, flags, true)
}
