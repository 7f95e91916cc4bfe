package pseudo

import (
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/linux/vfs"
)

// Dir is a directory of which the kernel keeps the names. Those that come and go after
// the first lookup need an Uncached inode (NewDir makes one on request). mu guards the
// names; it is a leaf.
type Dir struct {
	vfs.DefaultInode
	sb    *vfs.Superblock
	inode *vfs.Inode
	up    uint64 // the parent's inode number

	fill   func() // adds the names that Later has put off
	filled sync.Once

	mu     sync.RWMutex
	byName map[string]*vfs.Inode
	names  []string // in the order of their addition; "" once removed
}

// NewDir makes a directory. changes says that names are added or removed after programs
// have seen it.
func NewDir(sb *vfs.Superblock, mode uint32, changes bool) *Dir {
	d := &Dir{sb: sb, inode: &vfs.Inode{Uncached: changes}, byName: make(map[string]*vfs.Inode)}
	d.inode.Init(sb, d, sb.NextIno(), &vfs.NewNode{Mode: unix.S_IFDIR | mode})
	d.up = d.inode.Ino
	return d
}

// Later puts the adding of names off until somebody looks for what is not there, or lists the
// directory: fill adds them. Large trees are seldom looked at, and need not hold up the boot.
func (d *Dir) Later(fill func()) { d.fill = fill }

// look adds what Later has put off.
func (d *Dir) look() {
	if d.fill != nil {
		d.filled.Do(d.fill)
	}
}

// Inode is the directory's inode.
func (d *Dir) Inode() *vfs.Inode { return d.inode }

// Add gives an inode a name.
func (d *Dir) Add(name string, i *vfs.Inode) {
	if sub, ok := i.Ops.(*Dir); ok {
		sub.up = d.inode.Ino
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byName[name] == nil {
		d.names = append(d.names, name)
	}
	d.byName[name] = i
}

// AddDir adds a directory, or returns the one that is there.
func (d *Dir) AddDir(name string, mode uint32) *Dir {
	if i := d.named(name); i != nil {
		return i.Ops.(*Dir)
	}
	sub := NewDir(d.sb, mode, d.inode.Uncached)
	sub.inode.NoNegatives = d.inode.NoNegatives
	d.Add(name, sub.inode)
	return sub
}

// AddText adds a text file.
func (d *Dir) AddText(name string, mode uint32, t *Text) {
	d.Add(name, Node(d.sb, t, unix.S_IFREG|mode))
}

// AddLink adds a symbolic link.
func (d *Dir) AddLink(name, target string) { d.Add(name, Link(d.sb, target)) }

// Remove takes a name away.
func (d *Dir) Remove(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byName[name] == nil {
		return
	}
	delete(d.byName, name)
	for i, n := range d.names {
		if n == name {
			d.names[i] = "" // positions of the others stay
		}
	}
}

// Lookup implements vfs.InodeOps.
func (d *Dir) Lookup(_ *vfs.Context, _ *vfs.Inode, name string) (*vfs.Inode, error) {
	i := d.named(name)
	if i == nil && d.fill != nil {
		d.look()
		i = d.named(name)
	}
	if i == nil {
		return nil, unix.ENOENT
	}
	return i, nil
}

func (d *Dir) named(name string) *vfs.Inode {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byName[name]
}

// Create implements vfs.InodeOps. Linux tells files from everything else here.
func (d *Dir) Create(_ *vfs.Context, _ *vfs.Inode, _ string, n *vfs.NewNode) (*vfs.Inode, error) {
	if n.Mode&unix.S_IFMT == unix.S_IFREG {
		return nil, unix.EACCES
	}
	return nil, unix.EPERM
}

// Setattr implements vfs.InodeOps.
func (d *Dir) Setattr(_ *vfs.Context, _ *vfs.Inode, a *vfs.Attr) error { return Setattr(a) }

// Open implements vfs.InodeOps.
func (d *Dir) Open(*vfs.Context, *vfs.Inode, *vfs.File) (vfs.FileOps, error) {
	return &Listing{List: d.List}, nil
}

// List calls emit for what is at position pos and after it, until emit returns false.
func (d *Dir) List(_ *vfs.Context, pos int64, emit func(vfs.DirEntry) bool) error {
	if pos == 0 && !emit(vfs.DirEntry{Name: ".", Ino: d.inode.Ino, Type: unix.DT_DIR, Next: 1}) {
		return nil
	}
	if pos <= 1 && !emit(vfs.DirEntry{Name: "..", Ino: d.up, Type: unix.DT_DIR, Next: FirstPos}) {
		return nil
	}
	d.Entries(pos, emit)
	return nil
}

// FirstPos is the position after "." and "..".
const FirstPos = 2

// Entries is List without "." and "..". It reports whether emit has taken all.
func (d *Dir) Entries(pos int64, emit func(vfs.DirEntry) bool) bool {
	d.look()
	for i := int(max(pos-FirstPos, 0)); ; i++ {
		d.mu.RLock()
		if i >= len(d.names) {
			d.mu.RUnlock()
			return true
		}
		name := d.names[i]
		inode := d.byName[name]
		d.mu.RUnlock()
		if name == "" {
			continue
		}
		if !emit(vfs.DirEntry{Name: name, Ino: inode.Ino, Type: vfs.DirType(inode.Mode()), Next: int64(i) + FirstPos + 1}) {
			return false
		}
	}
}

// Listing is an open directory: List emits what is at pos and after it, with "." and "..".
type Listing struct {
	vfs.DefaultOps
	List func(c *vfs.Context, pos int64, emit func(vfs.DirEntry) bool) error
}

// Read implements vfs.FileOps.
func (*Listing) Read(*vfs.Context, *vfs.File, *user.IO, int64) (int, error) { return 0, unix.EISDIR }

// Seekable implements vfs.FileOps.
func (*Listing) Seekable() bool { return true }

// ReadDir implements vfs.FileOps.
func (l *Listing) ReadDir(c *vfs.Context, _ *vfs.File, pos int64, emit func(vfs.DirEntry) bool) error {
	return l.List(c, pos, emit)
}
