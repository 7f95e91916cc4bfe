package vfs

import (
	"sync"
	"sync/atomic"
)

// Dentry is a name in a directory as the cache has it, or the knowledge that there is
// no such name (a negative dentry: inode is nil). The tree of dentries is the shape of
// the file system as far as it has been walked.
//
// A dentry's parent and name change only in rename, which holds the superblock's
// renameMu and both directories' Mu. Readers without those locks (Path strings) load
// place, which holds both at once.
type Dentry struct {
	sb    *Superblock
	inode atomic.Pointer[Inode]
	place atomic.Pointer[place]

	// mu guards children. It is a leaf lock.
	mu        sync.RWMutex
	children  map[string]*Dentry
	negatives int // children without an inode

	mounted  atomic.Int32 // mounts on this dentry, in any namespace
	unlinked atomic.Bool  // the name has been removed; the cache no longer leads here
}

type place struct {
	parent *Dentry // nil at the root of a file system
	name   string
}

func newDentry(parent *Dentry, name string, i *Inode) *Dentry {
	d := &Dentry{}
	d.place.Store(&place{parent, name})
	d.inode.Store(i)
	if parent != nil {
		d.sb = parent.sb
	} else if i != nil {
		d.sb = i.SB
	}
	return d
}

// Inode is what the name leads to, nil for a negative dentry.
func (d *Dentry) Inode() *Inode { return d.inode.Load() }

// Parent is the directory that the name is in, nil at the root of the file system.
func (d *Dentry) Parent() *Dentry { return d.place.Load().parent }

// Name is the last component.
func (d *Dentry) Name() string { return d.place.Load().name }

// Unlinked reports whether the name has been removed.
func (d *Dentry) Unlinked() bool { return d.unlinked.Load() }

// cached returns the child in the cache, nil if the cache does not know. It does not
// allocate.
func (d *Dentry) cached(name []byte) *Dentry {
	d.mu.RLock()
	child := d.children[string(name)]
	d.mu.RUnlock()
	return child
}

// maxNegatives bounds the negative dentries of one directory.
const maxNegatives = 256

// add puts child into the cache, unless another is there already: it returns the one
// that is. The directory's Mu is held, at least for reading.
func (d *Dentry) add(name string, i *Inode) *Dentry {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old := d.children[name]; old != nil {
		return old
	}
	if d.children == nil {
		d.children = make(map[string]*Dentry)
	}
	if i == nil {
		if d.negatives++; d.negatives > maxNegatives {
			d.pruneNegatives()
		}
	}
	child := newDentry(d, name, i)
	d.children[name] = child
	return child
}

// pruneNegatives forgets the negative dentries, with mu held. Whoever holds one
// finds it unlinked and looks again.
func (d *Dentry) pruneNegatives() {
	for name, child := range d.children {
		if child.Inode() == nil {
			child.unlinked.Store(true)
			delete(d.children, name)
		}
	}
	d.negatives = 1 // the one that add is about to add
}

// instantiate turns a negative dentry into a name of i, with the directory's Mu held
// for writing.
func (d *Dentry) instantiate(i *Inode) {
	p := d.Parent()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.negatives--
	d.inode.Store(i)
}

// forget takes d out of the cache: its name has been removed. The directory's Mu is
// held for writing.
func (d *Dentry) forget() {
	pl := d.place.Load()
	pl.parent.mu.Lock()
	defer pl.parent.mu.Unlock()
	if pl.parent.children[pl.name] == d {
		delete(pl.parent.children, pl.name)
		if d.Inode() == nil {
			pl.parent.negatives--
		}
	}
	d.unlinked.Store(true)
}

// move gives d another place, with renameMu where the directory changes and both
// directories' Mu held. Another dentry at the place is forgotten.
func (d *Dentry) move(parent *Dentry, name string) {
	d.forget()
	if old := parent.cached([]byte(name)); old != nil {
		old.forget()
	}
	parent.mu.Lock()
	defer parent.mu.Unlock()
	if parent.children == nil {
		parent.children = make(map[string]*Dentry)
	}
	parent.children[name] = d
	d.place.Store(&place{parent, name})
	d.unlinked.Store(false)
}

// isAncestor reports whether d is a or above a, with renameMu held.
func (d *Dentry) isAncestor(a *Dentry) bool {
	for ; a != nil; a = a.Parent() {
		if a == d {
			return true
		}
	}
	return false
}
