package vfs

import (
	"hash/maphash"
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

	// kids is a hash table of the children, chained through their next. Readers take no
	// lock: they may miss a child while others change the table, and then look again
	// with the directory's Mu held, but never find a wrong one. mu is held to change
	// it. It is a leaf lock.
	kids      atomic.Pointer[kids]
	next      atomic.Pointer[Dentry]
	mu        sync.Mutex
	count     int // children
	negatives int // children without an inode

	mounted  atomic.Int32 // mounts on this dentry, in any namespace
	unlinked atomic.Bool  // the name has been removed; the cache no longer leads here
}

// kids has a power of two of chains.
type kids []atomic.Pointer[Dentry]

func (k kids) chain(hash uint64) *atomic.Pointer[Dentry] { return &k[hash&uint64(len(k)-1)] }

var hashSeed = maphash.MakeSeed()

type place struct {
	parent *Dentry // nil at the root of a file system
	name   string
	hash   uint64 // of name
}

func newPlace(parent *Dentry, name string) *place {
	return &place{parent, name, maphash.String(hashSeed, name)}
}

func newDentry(parent *Dentry, name string, i *Inode) *Dentry {
	d := &Dentry{}
	d.place.Store(newPlace(parent, name))
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

// cached returns the child in the cache, nil if the cache does not know. It takes no
// lock and does not allocate. Without the directory's Mu it may overlook a child.
func (d *Dentry) cached(name []byte) *Dentry {
	k := d.kids.Load()
	if k == nil {
		return nil
	}
	h := maphash.Bytes(hashSeed, name)
	for c := k.chain(h).Load(); c != nil; c = c.next.Load() {
		// A child that rename moves meanwhile may be in another directory's chain.
		if pl := c.place.Load(); pl.hash == h && pl.parent == d && pl.name == string(name) {
			return c
		}
	}
	return nil
}

// insert puts a child into the table, with mu held.
func (d *Dentry) insert(c *Dentry) {
	k := d.kids.Load()
	if k == nil {
		n := make(kids, 4)
		k = &n
		d.kids.Store(k)
	} else if d.count >= 2*len(*k) {
		k = d.grow(*k)
	}
	head := k.chain(c.place.Load().hash)
	c.next.Store(head.Load())
	head.Store(c)
	d.count++
	if c.Inode() == nil {
		d.negatives++
	}
}

// grow moves the children to a larger table. Readers of the old one may end in a chain
// of the new one, and miss.
func (d *Dentry) grow(old kids) *kids {
	n := make(kids, 4*len(old))
	for i := range old {
		for c := old[i].Load(); c != nil; {
			next := c.next.Load()
			head := n.chain(c.place.Load().hash)
			c.next.Store(head.Load())
			head.Store(c)
			c = next
		}
	}
	d.kids.Store(&n)
	return &n
}

// remove takes a child out of the table, if it is there, with mu held.
func (d *Dentry) remove(c *Dentry) {
	k := d.kids.Load()
	if k == nil {
		return
	}
	for at := k.chain(c.place.Load().hash); at.Load() != nil; at = &at.Load().next {
		if at.Load() == c {
			at.Store(c.next.Load())
			d.count--
			if c.Inode() == nil {
				d.negatives--
			}
			return
		}
	}
}

// maxNegatives bounds the negative dentries of one directory.
const maxNegatives = 256

// add puts child into the cache, unless another is there already: it returns the one
// that is. The directory's Mu is held, at least for reading.
func (d *Dentry) add(name string, i *Inode) *Dentry {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old := d.cached([]byte(name)); old != nil {
		return old
	}
	if i == nil && d.negatives >= maxNegatives {
		d.pruneNegatives()
	}
	child := newDentry(d, name, i)
	d.insert(child)
	return child
}

// pruneNegatives forgets the negative dentries, with mu held. Whoever holds one
// finds it unlinked and looks again.
func (d *Dentry) pruneNegatives() {
	k := *d.kids.Load()
	for i := range k {
		for c := k[i].Load(); c != nil; c = c.next.Load() {
			if c.Inode() == nil {
				c.unlinked.Store(true)
				d.remove(c)
			}
		}
	}
}

// instantiate turns a negative dentry into a name of i, with the directory's Mu held
// for writing.
func (d *Dentry) instantiate(i *Inode) {
	p := d.Parent()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !d.unlinked.Load() {
		p.negatives--
	}
	d.inode.Store(i)
}

// forget takes d out of the cache: its name has been removed. The directory's Mu is
// held for writing.
func (d *Dentry) forget() {
	p := d.Parent()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(d)
	d.unlinked.Store(true)
}

// move gives d another place, with renameMu where the directory changes and both
// directories' Mu held. Another dentry at the place is forgotten.
func (d *Dentry) move(parent *Dentry, name string) {
	d.forget()
	if old := parent.cached([]byte(name)); old != nil {
		old.forget()
	}
	d.put(newPlace(parent, name))
}

// put puts d, which is in no table, at a place.
func (d *Dentry) put(pl *place) {
	pl.parent.mu.Lock()
	defer pl.parent.mu.Unlock()
	d.place.Store(pl)
	pl.parent.insert(d)
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
