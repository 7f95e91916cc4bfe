package vfs

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/cred"
)

// Superblock is one instance of a file system. Several mounts may show it.
type Superblock struct {
	Type  *FSType
	Dev   uint64 // st_dev of its files
	Magic int64  // statfs's f_type
	Root  *Dentry
	Ops   SuperOps

	// Options are the file system's own mount options as mountinfo shows them after
	// "rw", without a leading comma.
	Options func() string

	// User is the user namespace of who made the file system, which knows the IDs of the
	// files. Device files on it that others have made open for nobody, unless it is
	// the first.
	User *cred.UserNS

	// ACLs says that files have access control lists, which package vfs keeps.
	ACLs bool

	flags    atomic.Uint32 // mount(2) flags that hold for the whole file system, but for MS_RDONLY
	readOnly atomic.Bool
	writers  atomic.Int64 // files open for writing
	noAtime  bool

	// renameMu is held across renames between directories, so that the tree holds
	// still while ancestors are compared. It is taken before any Inode.Mu.
	renameMu sync.Mutex

	// watched are the inodes with watchers. watchMu guards it; it is a leaf lock.
	watchMu sync.Mutex
	watched map[*Inode]struct{}

	mounts  atomic.Int32
	nextIno atomic.Uint64
}

// SuperOps is what a file system does as a whole.
type SuperOps interface {
	Statfs(s *Statfs) error
	Sync() error
	// Remount changes options: mount(MS_REMOUNT).
	Remount(c *Context, readOnly bool, data string) error
	// Release is called when the last mount has gone.
	Release()
}

// DefaultSuper is the SuperOps of a file system without storage.
type DefaultSuper struct{}

func (DefaultSuper) Statfs(*Statfs) error                 { return nil }
func (DefaultSuper) Sync() error                          { return nil }
func (DefaultSuper) Remount(*Context, bool, string) error { return nil }
func (DefaultSuper) Release()                             {}

// Statfs is what statfs(2) tells.
type Statfs struct {
	Type, BlockSize         int64
	Blocks, Free, Available uint64
	Files, FilesFree        uint64
	ID                      uint64
	NameLen, FragmentSize   int64
	Flags                   int64
}

// FSType is a kind of file system that mount knows by name.
type FSType struct {
	Name string
	// NoDevice says that the source is only a name ("nodev" in /proc/filesystems).
	NoDevice bool
	// ForUsers says that who is privileged in the user namespace that For names, its own
	// where that is nil, may mount it too; Revealing that this takes a mount of the same
	// type in the mount namespace, of which nothing is hidden (mount_namespaces(7),
	// "Restrictions on mount namespaces").
	ForUsers  bool
	For       func(c *Context) *cred.UserNS
	Revealing bool
	// OwnDevices says that the device files on it are the file system's own making.
	OwnDevices bool
	// Mount makes or finds an instance.
	Mount func(c *Context, source string, readOnly bool, data string) (*Superblock, error)
}

var fsTypes struct {
	mu    sync.Mutex
	types map[string]*FSType
}

// RegisterFS makes a file system known to mount.
func RegisterFS(t *FSType) {
	fsTypes.mu.Lock()
	defer fsTypes.mu.Unlock()
	if fsTypes.types == nil {
		fsTypes.types = make(map[string]*FSType)
	}
	fsTypes.types[t.Name] = t
}

// FSTypes lists the registered file systems by name, for /proc/filesystems.
func FSTypes() []*FSType {
	fsTypes.mu.Lock()
	defer fsTypes.mu.Unlock()
	list := slices.Collect(maps.Values(fsTypes.types))
	slices.SortFunc(list, func(a, b *FSType) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return list
}

// FindFS returns the file system of that name; ENODEV if there is none.
func FindFS(name string) (*FSType, error) {
	fsTypes.mu.Lock()
	defer fsTypes.mu.Unlock()
	if t := fsTypes.types[name]; t != nil {
		return t, nil
	}
	return nil, unix.ENODEV
}

// minor numbers of file systems without a device have major 0, as on Linux.
var nextAnonDev atomic.Uint32

// NewSuperblock returns a superblock of a file system without a device, with a device
// number of its own. Its file system sets Root.
func NewSuperblock(t *FSType, magic int64, ops SuperOps) *Superblock {
	return &Superblock{Type: t, Dev: unix.Mkdev(0, nextAnonDev.Add(1)), Magic: magic, Ops: ops}
}

// NextIno is an inode number that the superblock has not used.
func (sb *Superblock) NextIno() uint64 { return sb.nextIno.Add(1) }

// ReadOnly reports whether nothing of the file system may change.
func (sb *Superblock) ReadOnly() bool { return sb.readOnly.Load() }

// SetReadOnly changes it.
func (sb *Superblock) SetReadOnly(on bool) { sb.readOnly.Store(on) }

// NewRoot makes inode i the root of the file system.
func (sb *Superblock) NewRoot(i *Inode) *Dentry {
	sb.Root = newDentry(nil, "/", i)
	return sb.Root
}
