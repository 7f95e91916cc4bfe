package vfs

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
)

// Time is a time stamp of a file: seconds since 1970 and nanoseconds.
type Time struct {
	Sec  int64
	Nsec uint32
}

// At is the time stamp for a time since 1970.
func At(t time.Duration) Time {
	return Time{Sec: int64(t / time.Second), Nsec: uint32(t % time.Second)}
}

// Before reports whether t is earlier than u.
func (t Time) Before(u Time) bool {
	return t.Sec < u.Sec || t.Sec == u.Sec && t.Nsec < u.Nsec
}

// Clock is the wall clock that time stamps come from. Whoever keeps the wall clock
// replaces it at boot, before the first task.
var Clock = func() Time {
	now := time.Now()
	return Time{Sec: now.Unix(), Nsec: uint32(now.Nanosecond())}
}

// Inode is a file apart from its names. Attributes are here for every file system;
// what only the file system can do is behind Ops.
//
// Mu is the inode's big lock. For a directory it guards which names there are: held
// for writing across create, link, unlink and rename, for reading across a lookup
// that misses the dentry cache and across ReadDir. For other files writers hold it,
// so that O_APPEND and truncate are atomic. It is held across copies from user memory,
// so nothing that a page fault does may take it: mm.Object.Page must not. Two
// directories are locked parent first (see lockPair); a directory before the file
// in it.
type Inode struct {
	Ops  InodeOps
	SB   *Superblock
	Ino  uint64
	Rdev uint64 // device files: which device
	Mu   sync.RWMutex

	// Uncached says that the names of the inode come and go without calls of this
	// package (procfs): its dentry is not kept, and, for a directory, neither is the
	// knowledge that a name is not there. It is set before the inode is seen.
	Uncached bool
	// NoNegatives says of a directory that a name that it does not have cannot be made
	// either: calls that would make one find ENOENT, as in procfs.
	NoNegatives bool
	// ToMountOn says that the directory is there for something to be mounted on it, and
	// never has a name: what covers it hides nothing.
	ToMountOn bool
	// Target is where a symbolic link leads, if the file system keeps it in memory;
	// else nil and Ops.Readlink tells.
	Target []byte

	mode  atomic.Uint32 // type and permissions
	uid   atomic.Uint32
	gid   atomic.Uint32
	nlink atomic.Uint32
	size  atomic.Int64

	// attr guards the time stamps, users and writers, and changes of several
	// attributes at once. It is a leaf lock.
	attr                       sync.Mutex
	atime, mtime, ctime, btime Time
	users                      int  // files and mappings that hold the storage
	linkable                   bool // has no name yet and may get one: O_TMPFILE
	writers                    int  // > 0: open for writing; < 0: being executed
	evicted                    bool

	// fileCaps says that there is a security.capability attribute, which changes of the
	// contents and the owner remove. A file system that has attributes before they are
	// set here says so with HasFileCaps.
	fileCaps atomic.Bool

	acl, defaultACL aclPointer // where the file system has them; see acl.go

	watches atomic.Pointer[watchList] // inotify; nil for none
	locks   atomic.Pointer[lockState] // file locks; nil for none ever
	fifo    atomic.Pointer[any]       // FIFOs: the pipe behind it, package pipe's
}

// InodeOps is what a file system does for its inodes. Embed DefaultInode and override
// what applies. Package vfs has checked names, permissions and types before it calls,
// and keeps attributes (link counts, time stamps) itself; the file system keeps its
// entries. Calls that change a directory run with its Mu held for writing.
type InodeOps interface {
	// Lookup finds an entry of a directory; ENOENT if there is none.
	Lookup(c *Context, dir *Inode, name string) (*Inode, error)
	// Create makes a file of any type with a name; EPERM if the file system does not
	// have it.
	Create(c *Context, dir *Inode, name string, n *NewNode) (*Inode, error)
	// Temp makes a regular file without a name: open(O_TMPFILE).
	Temp(c *Context, dir *Inode, n *NewNode) (*Inode, error)
	Link(c *Context, dir *Inode, name string, target *Inode) error
	// Unlink removes an entry that is no directory, Rmdir an empty directory
	// (ENOTEMPTY).
	Unlink(c *Context, dir *Inode, name string, target *Inode) error
	Rmdir(c *Context, dir *Inode, name string, target *Inode) error
	// Rename moves an entry, over victim where that is not nil. With exchange it
	// swaps the two.
	Rename(c *Context, from *Inode, name string, to *Inode, newName string, source, victim *Inode, exchange bool) error

	// Readlink is the target of a symbolic link. A magic link of procfs answers Jump
	// as well, and walking it goes there instead of parsing the target.
	Readlink(c *Context, i *Inode) (string, error)
	Jump(c *Context, i *Inode) (Path, error) // unix.EINVAL: an ordinary link

	// Open returns what the new File f does. It may wait (FIFOs).
	Open(c *Context, i *Inode, f *File) (FileOps, error)

	// Getattr completes s, which has the attributes of Inode already.
	Getattr(c *Context, i *Inode, s *Stat) error
	// Setattr is told of changes before they are made and may refuse them. It does
	// the change of size itself.
	Setattr(c *Context, i *Inode, change *Attr) error
	// Permission may refuse or grant access beyond the mode bits; handled says that it
	// has decided.
	Permission(c *Context, i *Inode, want Access) (handled bool, err error)

	// Getxattr answers ENODATA to an attribute that is not there. It and Setxattr answer
	// EOPNOTSUPP to a name that the file system cannot have. Setxattr with a nil value
	// removes.
	Getxattr(c *Context, i *Inode, name string) ([]byte, error)
	Setxattr(c *Context, i *Inode, name string, value []byte, flags int) error
	Listxattr(c *Context, i *Inode) ([]string, error)

	// Evict frees the storage of a file that has neither names nor users any more.
	Evict(i *Inode)
}

// NewNode describes a file to create.
type NewNode struct {
	Mode   uint32 // type and permissions
	UID    uint32
	GID    uint32
	Rdev   uint64 // device files
	Target string // symbolic links
}

// DefaultInode is the InodeOps of a file system that can do nothing.
type DefaultInode struct{}

var _ InodeOps = DefaultInode{}

func (DefaultInode) Lookup(*Context, *Inode, string) (*Inode, error) { return nil, unix.ENOENT }
func (DefaultInode) Create(*Context, *Inode, string, *NewNode) (*Inode, error) {
	return nil, unix.EPERM
}
func (DefaultInode) Temp(*Context, *Inode, *NewNode) (*Inode, error) {
	return nil, unix.EOPNOTSUPP
}
func (DefaultInode) Link(*Context, *Inode, string, *Inode) error   { return unix.EPERM }
func (DefaultInode) Unlink(*Context, *Inode, string, *Inode) error { return unix.EPERM }
func (DefaultInode) Rmdir(*Context, *Inode, string, *Inode) error  { return unix.EPERM }
func (DefaultInode) Rename(*Context, *Inode, string, *Inode, string, *Inode, *Inode, bool) error {
	return unix.EPERM
}
func (DefaultInode) Readlink(*Context, *Inode) (string, error) { return "", unix.EINVAL }
func (DefaultInode) Jump(*Context, *Inode) (Path, error)       { return Path{}, unix.EINVAL }
func (DefaultInode) Open(*Context, *Inode, *File) (FileOps, error) {
	return nil, unix.ENXIO
}
func (DefaultInode) Getattr(*Context, *Inode, *Stat) error { return nil }
func (DefaultInode) Setattr(*Context, *Inode, *Attr) error { return nil }
func (DefaultInode) Permission(*Context, *Inode, Access) (bool, error) {
	return false, nil
}
func (DefaultInode) Getxattr(*Context, *Inode, string) ([]byte, error) {
	return nil, unix.EOPNOTSUPP
}
func (DefaultInode) Setxattr(*Context, *Inode, string, []byte, int) error { return unix.EOPNOTSUPP }
func (DefaultInode) Listxattr(*Context, *Inode) ([]string, error)         { return nil, nil }
func (DefaultInode) Evict(*Inode)                                         {}

// Init gives a new inode its attributes. The link count is 1, 2 for a directory; all
// time stamps are now.
func (i *Inode) Init(sb *Superblock, ops InodeOps, ino uint64, n *NewNode) {
	i.SB, i.Ops, i.Ino, i.Rdev = sb, ops, ino, n.Rdev
	i.mode.Store(n.Mode)
	i.uid.Store(n.UID)
	i.gid.Store(n.GID)
	i.nlink.Store(1)
	if n.Mode&unix.S_IFMT == unix.S_IFDIR {
		i.nlink.Store(2)
	}
	now := Clock()
	i.atime, i.mtime, i.ctime, i.btime = now, now, now, now
}

// Mode is the type and permissions, as st_mode has them.
func (i *Inode) Mode() uint32 { return i.mode.Load() }

// Type is the type alone: a unix.S_IF constant.
func (i *Inode) Type() uint32 { return i.mode.Load() & unix.S_IFMT }

// IsDir reports whether the inode is a directory.
func (i *Inode) IsDir() bool { return i.Type() == unix.S_IFDIR }

// UID and GID are the owner and group.
func (i *Inode) UID() uint32 { return i.uid.Load() }
func (i *Inode) GID() uint32 { return i.gid.Load() }

// SetOwner changes owner and group without checks, for file systems whose inodes
// follow something else (procfs).
func (i *Inode) SetOwner(uid, gid uint32) { i.uid.Store(uid); i.gid.Store(gid) }

// SetMode changes type and permissions without checks, for file systems.
func (i *Inode) SetMode(mode uint32) { i.mode.Store(mode) }

// Nlink is the number of names, and for a directory of subdirectories and 2.
func (i *Inode) Nlink() uint32 { return i.nlink.Load() }

// SetNlink changes the number of names, for file systems that read it from a disk.
func (i *Inode) SetNlink(n uint32) { i.nlink.Store(n) }

// Dead reports whether the inode is a directory that rmdir has removed, or another
// file without a name.
func (i *Inode) Dead() bool { return i.nlink.Load() == 0 }

// Size is the length in bytes. Changes hold Mu for writing.
func (i *Inode) Size() int64        { return i.size.Load() }
func (i *Inode) SetSize(size int64) { i.size.Store(size) }

// SetTimes changes time stamps without checks, for file systems and archives.
func (i *Inode) SetTimes(atime, mtime, ctime Time) {
	i.attr.Lock()
	defer i.attr.Unlock()
	i.atime, i.mtime, i.ctime = atime, mtime, ctime
}

// Mtime is the time of the last change of contents.
func (i *Inode) Mtime() Time {
	i.attr.Lock()
	defer i.attr.Unlock()
	return i.mtime
}

// use notes a user of the storage: an open file. ENOENT where the storage has gone. A
// removed directory has none, and can be opened by those who are in it.
func (i *Inode) use() error {
	i.attr.Lock()
	defer i.attr.Unlock()
	if i.evicted && !i.IsDir() {
		return unix.ENOENT
	}
	i.users++
	return nil
}

// gone reports whether the storage has gone.
func (i *Inode) gone() bool {
	i.attr.Lock()
	defer i.attr.Unlock()
	return i.evicted
}

// unuse ends what use began, and frees the storage of a file without names.
func (i *Inode) unuse() {
	i.attr.Lock()
	i.users--
	i.evict()
}

// evict frees the storage if nothing holds it. It is called with attr held and lets
// go of it.
func (i *Inode) evict() {
	gone := i.users == 0 && i.nlink.Load() == 0 && !i.evicted
	if gone {
		i.evicted = true
	}
	i.attr.Unlock()
	if gone {
		i.endWatches(InDeleteSelf)
		i.Ops.Evict(i)
	}
}

// link adds n to the number of names and stamps ctime; at zero the storage may go.
func (i *Inode) link(n int) {
	i.attr.Lock()
	i.ctime = Clock()
	i.nlink.Add(uint32(n))
	i.evict()
}

// modified stamps mtime and ctime: contents or entries have changed.
func (i *Inode) modified() {
	i.attr.Lock()
	defer i.attr.Unlock()
	i.mtime = Clock()
	i.ctime = i.mtime
}

// Changed is modified for file systems, where contents change other than through
// FileOps: by a store to a mapping.
func (i *Inode) Changed() { i.modified() }

// changed stamps ctime.
func (i *Inode) changed() {
	i.attr.Lock()
	defer i.attr.Unlock()
	i.ctime = Clock()
}

// accessed stamps atime after a read through f, as the mount's options have it: with
// relatime only if it is not later than mtime and ctime, or a day old (mount(2)).
func (i *Inode) accessed(f *File) {
	if f.flags.Load()&unix.O_NOATIME == 0 {
		i.accessedAt(f.path.Mnt)
	}
}

func (i *Inode) accessedAt(m *Mount) {
	if m == nil || i.SB.noAtime {
		return
	}
	flags := m.Flags()
	if flags&(MntNoAtime|MntReadOnly) != 0 || flags&MntNoDirAtime != 0 && i.IsDir() {
		return
	}
	i.attr.Lock()
	defer i.attr.Unlock()
	const day = 24 * 60 * 60
	if flags&MntRelAtime != 0 && i.mtime.Before(i.atime) && i.ctime.Before(i.atime) {
		if now := Clock(); now.Sec-i.atime.Sec < day {
			return
		}
	}
	i.atime = Clock()
}

// Accessed and Modified are for FileOps that read and write contents: they stamp the
// times, and Modified strips set-ID bits as write(2) does.
func (f *File) Accessed() { f.inode.accessed(f) }

func (f *File) Modified(c *Context) {
	f.inode.modified()
	f.inode.stripSetID(c)
}

// HasFileCaps notes that the inode has a security.capability attribute.
func (i *Inode) HasFileCaps() { i.fileCaps.Store(true) }

// killFileCaps removes the capabilities that the file gives to programs.
func (i *Inode) killFileCaps(c *Context) {
	if i.fileCaps.Swap(false) {
		i.Ops.Setxattr(c, i, fileCapsName, nil, unix.XATTR_REPLACE)
	}
}

// stripSetID removes capabilities of the file, and set-ID bits when somebody without CAP_FSETID changes contents
// (inode(7)).
func (i *Inode) stripSetID(c *Context) {
	i.killFileCaps(c)
	mode := i.mode.Load()
	if mode&(unix.S_ISUID|unix.S_ISGID) == 0 || i.IsDir() || c.Capable(unix.CAP_FSETID) {
		return
	}
	i.mode.Store(i.withoutSetID(c))
}

// withoutSetID is the mode without set-ID bits. Set-group-ID without group execution
// stays, as it marks mandatory locking, where c might have set it.
func (i *Inode) withoutSetID(c *Context) uint32 {
	mode := i.mode.Load() &^ unix.S_ISUID
	if mode&unix.S_IXGRP != 0 || !c.Cred.InGroup(i.GID()) && !i.capable(c, unix.CAP_FSETID) {
		mode &^= unix.S_ISGID
	}
	return mode
}

// wantWrite counts an open for writing; ETXTBSY while the file is being executed.
func (i *Inode) wantWrite() error {
	i.attr.Lock()
	defer i.attr.Unlock()
	if i.writers < 0 {
		return unix.ETXTBSY
	}
	i.writers++
	return nil
}

func (i *Inode) allowWrite() {
	i.attr.Lock()
	defer i.attr.Unlock()
	i.writers--
}

// DenyWrite makes opens for writing fail with ETXTBSY until AllowWrite: the file is a
// program that runs. It answers ETXTBSY itself if the file is open for writing.
func (i *Inode) DenyWrite() error {
	i.attr.Lock()
	defer i.attr.Unlock()
	if i.writers > 0 {
		return unix.ETXTBSY
	}
	i.writers--
	return nil
}

// AllowWrite undoes one DenyWrite.
func (i *Inode) AllowWrite() {
	i.attr.Lock()
	defer i.attr.Unlock()
	i.writers++
}

// FIFO returns the pipe behind a FIFO, which create makes at first use.
func (i *Inode) FIFO(create func() any) any {
	if p := i.fifo.Load(); p != nil {
		return *p
	}
	p := create()
	i.fifo.CompareAndSwap(nil, &p)
	return *i.fifo.Load()
}

// DirType is the unix.DT_ constant of a file type.
func DirType(mode uint32) uint8 { return uint8(mode & unix.S_IFMT >> 12) }

// Owned reports whether the caller may do what only the owner may: it owns the file
// or has CAP_FOWNER.
func (i *Inode) Owned(c *Context) bool {
	owner := i.uid.Load()
	return c.Cred.FSUID == owner || c.Cred.CapableHere(unix.CAP_FOWNER) && c.Cred.User.Has(cred.UserIDs, owner)
}
