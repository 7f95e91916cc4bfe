package vfs

import "slices"

// Path is a place in the file tree: a dentry as seen through a mount. The zero Path
// is nowhere.
type Path struct {
	Mnt *Mount
	D   *Dentry
}

// Get counts a user of the mount, which umount then finds busy, and returns p. What
// keeps a Path beyond a call does this, and ends with Put.
func (p Path) Get() Path {
	if p.Mnt != nil {
		p.Mnt.users.Add(1)
	}
	return p
}

// Put ends what Get began.
func (p Path) Put() {
	if p.Mnt != nil && p.Mnt.users.Add(-1) == 0 && p.Mnt.detached.Load() {
		p.Mnt.release()
	}
}

// Inode is the inode at the path, nil where the name leads to nothing.
func (p Path) Inode() *Inode { return p.D.Inode() }

// top follows mounts stacked on p, with mountMu held.
func top(p Path) Path {
	for p.D.mounted.Load() > 0 {
		m := p.Mnt.children[p.D]
		if m == nil {
			break
		}
		p = Path{m, m.Root}
	}
	return p
}

// crossed is top without mountMu held; it costs an atomic load where nothing is
// mounted.
func (p Path) crossed() Path {
	if p.D.mounted.Load() == 0 {
		return p
	}
	mountMu.RLock()
	defer mountMu.RUnlock()
	return top(p)
}

// up is the place that the root of p's mount covers; false at the namespace's root.
func (p Path) up() (Path, bool) {
	mountMu.RLock()
	defer mountMu.RUnlock()
	if p.Mnt.parent == nil {
		return p, false
	}
	return Path{p.Mnt.parent, p.Mnt.point}, true
}

// From is the path from root as d_path has it, without regard to removal. ok is false
// where p is not below root; the string then ends at the root of p's tree.
func (p Path) From(root Path) (s string, ok bool) {
	for try := 0; ; try++ {
		seq := renames.Load()
		s, ok = p.from(root)
		if seq&1 == 0 && seq == renames.Load() || try == 8 {
			return s, ok
		}
	}
}

func (p Path) from(root Path) (string, bool) {
	var names []string
	for p != root {
		if p.D == p.Mnt.Root {
			parent, ok := p.up()
			if !ok {
				return joinReverse(names), false
			}
			p = parent
			continue
		}
		pl := p.D.place.Load()
		if pl.parent == nil {
			if len(names) == 0 && pl.name != "/" { // a file without a name: pipe:[7]
				return pl.name, false
			}
			return joinReverse(names), false // outside of a bind mount's root
		}
		names = append(names, pl.name)
		p.D = pl.parent
	}
	return joinReverse(names), true
}

// inFS is the path within the file system.
func (p Path) inFS() string {
	var names []string
	for d := p.D; ; {
		pl := d.place.Load()
		if pl.parent == nil {
			return joinReverse(names)
		}
		names = append(names, pl.name)
		d = pl.parent
	}
}

func joinReverse(names []string) string {
	if len(names) == 0 {
		return "/"
	}
	n := 0
	for _, s := range names {
		n += 1 + len(s)
	}
	b := make([]byte, 0, n)
	for _, s := range slices.Backward(names) {
		b = append(append(b, '/'), s...)
	}
	return string(b)
}
