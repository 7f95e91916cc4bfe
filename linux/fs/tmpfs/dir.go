package tmpfs

import (
	"slices"
	"sort"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/machine/mem"
)

// entrySize is what an entry adds to its directory's st_size, as on Linux.
const entrySize = 20

func (n *node) add(name string, child *node) {
	if n.entries == nil {
		n.entries = make(map[string]*entry)
	}
	e := &entry{name, child, n.nextPos}
	n.nextPos++
	n.entries[name] = e
	n.order = append(n.order, e)
	n.SetSize(n.Size() + entrySize)
}

func (n *node) remove(name string) {
	e := n.entries[name]
	delete(n.entries, name)
	n.SetSize(n.Size() - entrySize)
	n.order[n.find(e.pos)].node = nil
	if n.removed++; n.removed > 16 && n.removed > len(n.order)/2 {
		n.order = slices.DeleteFunc(n.order, func(e *entry) bool { return e.node == nil })
		n.removed = 0
	}
}

// find is the index in order of the first entry at pos or after it.
func (n *node) find(pos int64) int {
	return sort.Search(len(n.order), func(i int) bool { return n.order[i].pos >= pos })
}

// Lookup implements vfs.InodeOps.
func (n *node) Lookup(c *vfs.Context, dir *vfs.Inode, name string) (*vfs.Inode, error) {
	if e := n.entries[name]; e != nil {
		return &e.node.Inode, nil
	}
	return nil, unix.ENOENT
}

func (n *node) full() bool {
	limit := n.fs.maxInodes.Load()
	return limit > 0 && n.fs.inodes.Load() >= limit
}

// Create implements vfs.InodeOps.
func (n *node) Create(c *vfs.Context, dir *vfs.Inode, name string, new *vfs.NewNode) (*vfs.Inode, error) {
	if n.full() {
		return nil, unix.ENOSPC
	}
	child := n.fs.newNode(new)
	child.parent = n
	n.add(name, child)
	return &child.Inode, nil
}

// Temp implements vfs.InodeOps.
func (n *node) Temp(c *vfs.Context, dir *vfs.Inode, new *vfs.NewNode) (*vfs.Inode, error) {
	if n.full() {
		return nil, unix.ENOSPC
	}
	return &n.fs.newNode(new).Inode, nil
}

// Link implements vfs.InodeOps.
func (n *node) Link(c *vfs.Context, dir *vfs.Inode, name string, target *vfs.Inode) error {
	n.add(name, target.Ops.(*node))
	return nil
}

// Unlink implements vfs.InodeOps.
func (n *node) Unlink(c *vfs.Context, dir *vfs.Inode, name string, target *vfs.Inode) error {
	n.remove(name)
	return nil
}

// Rmdir implements vfs.InodeOps.
func (n *node) Rmdir(c *vfs.Context, dir *vfs.Inode, name string, target *vfs.Inode) error {
	if len(target.Ops.(*node).entries) > 0 {
		return unix.ENOTEMPTY
	}
	n.remove(name)
	return nil
}

// Rename implements vfs.InodeOps.
func (n *node) Rename(c *vfs.Context, from *vfs.Inode, name string, to *vfs.Inode, newName string,
	source, victim *vfs.Inode, exchange bool) error {
	dest, s := to.Ops.(*node), source.Ops.(*node)
	if exchange {
		v := victim.Ops.(*node)
		n.entries[name].node, dest.entries[newName].node = v, s
		if source.IsDir() {
			s.parent = dest
		}
		if victim.IsDir() {
			v.parent = n
		}
		return nil
	}
	if victim != nil {
		v := victim.Ops.(*node)
		if len(v.entries) > 0 {
			return unix.ENOTEMPTY
		}
		dest.remove(newName)
	}
	n.remove(name)
	dest.add(newName, s)
	if source.IsDir() { // another file may be moved by two of its names at a time, and needs no parent
		s.parent = dest
	}
	return nil
}

// Evict implements vfs.InodeOps.
func (n *node) Evict(i *vfs.Inode) {
	n.fs.inodes.Add(-1)
	if n.data == nil {
		return
	}
	n.fs.mu.Lock()
	_, ours := n.fs.all[n] // else Release has it
	delete(n.fs.all, n)
	n.fs.mu.Unlock()
	if ours {
		n.data.Release()
	}
}

// Getattr implements vfs.InodeOps.
func (n *node) Getattr(c *vfs.Context, i *vfs.Inode, s *vfs.Stat) error {
	s.HasBtime = true
	s.AttributesMask |= unix.STATX_ATTR_APPEND | unix.STATX_ATTR_IMMUTABLE | unix.STATX_ATTR_NODUMP
	if n.data != nil {
		s.Blocks = int64(n.data.Pages()) * (mem.PageSize / 512)
	}
	return nil
}

// Setattr implements vfs.InodeOps.
func (n *node) Setattr(c *vfs.Context, i *vfs.Inode, change *vfs.Attr) error {
	if change.Set&vfs.SetSize == 0 {
		return nil
	}
	if err := n.sealedSize(change.Size); err != nil {
		return err
	}
	if err := n.data.Truncate(change.Size); err != nil {
		return err
	}
	i.SetSize(change.Size)
	return nil
}

// dirOps is an open directory.
type dirOps struct {
	vfs.DefaultOps
	n *node
}

func (d dirOps) Seekable() bool { return true }

func (d dirOps) Seek(f *vfs.File, off int64, whence int, pos int64) (int64, error) {
	switch whence {
	case unix.SEEK_CUR:
		off += pos
	case unix.SEEK_SET:
	default:
		return 0, unix.EINVAL
	}
	if off < 0 {
		return 0, unix.EINVAL
	}
	return off, nil
}

func (d dirOps) Read(*vfs.Context, *vfs.File, *user.IO, int64) (int, error) {
	return 0, unix.EISDIR
}

func (d dirOps) Fsync(*vfs.Context, *vfs.File, bool) error { return nil }

// ReadDir implements vfs.FileOps.
func (d dirOps) ReadDir(c *vfs.Context, f *vfs.File, pos int64, emit func(vfs.DirEntry) bool) error {
	n := d.n
	n.Mu.RLock()
	defer n.Mu.RUnlock()
	if pos == 0 && !emit(vfs.DirEntry{Name: ".", Ino: n.Ino, Type: unix.DT_DIR, Next: 1}) {
		return nil
	}
	if pos <= 1 && !emit(vfs.DirEntry{Name: "..", Ino: n.parent.Ino, Type: unix.DT_DIR, Next: firstPos}) {
		return nil
	}
	for _, e := range n.order[n.find(pos):] {
		if e.node == nil {
			continue
		}
		if !emit(vfs.DirEntry{Name: e.name, Ino: e.node.Ino, Type: vfs.DirType(e.node.Mode()), Next: e.pos + 1}) {
			return nil
		}
	}
	return nil
}
