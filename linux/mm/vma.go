package mm

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// VMA is a range of an address space with one protection and one backing. Its fields
// are guarded by its space's lock, but for next and prev, which are its object's, and
// copied.
type VMA struct {
	attributes
	node
	space      *Space
	start, end uint64 // page-aligned
	off        uint64 // page of obj at start
	dead       bool   // no longer in the space

	// copied: the space has pages of its own here, which an object does not have.
	// Guarded by Space.pt.
	copied bool

	// What obj can do; set when the VMA is attached to it.
	cacher   Cacher
	tracks   bool   // DirtyTracker
	stored   func() // PageCache.Stored, of a shared mapping
	inMemory bool   // it has its pages nowhere else: shared memory, tmpfs

	next, prev *VMA
}

// attributes are what two parts of one VMA have in common.
type attributes struct {
	prot      int // unix.PROT_ bits
	shared    bool
	growsDown bool
	// maySharedWrite: the file was opened so that a shared mapping may be written.
	maySharedWrite bool
	noExec         bool // the file is on a file system without programs
	noReserve      bool // MAP_NORESERVE
	advice         advice

	obj  Object // nil: private anonymous memory
	file Backing
	name string // [heap], [stack]
}

// advice is what madvise and mlock said about a mapping.
type advice uint8

const (
	dontFork   advice = 1 << iota // MADV_DONTFORK: a child does not get it
	wipeOnFork                    // MADV_WIPEONFORK: a child gets it empty
	dontDump                      // MADV_DONTDUMP: left out of core dumps
	random                        // MADV_RANDOM: no read-ahead
	sequential                    // MADV_SEQUENTIAL: much of it
	locked                        // mlock: pages stay. Nothing is ever paged out, but Linux counts them
	onFault                       // and they come when they are used
)

// clone copies v for [start, end), but for its places in lists.
func (v *VMA) clone(start, end uint64) *VMA {
	return &VMA{attributes: v.attributes, start: start, end: end, off: v.off + (start-v.start)>>mem.PageShift}
}

// index is the page of the object that va shows.
func (v *VMA) index(va uint64) uint64 { return v.off + (va-v.start)>>mem.PageShift }

// pteProt is what entries may allow: write says that the frame may be written, own that
// it is no page of the object.
func (v *VMA) pteProt(write, own bool) pgtable.Prot {
	p := pgtable.User
	if v.prot&(unix.PROT_READ|unix.PROT_WRITE) != 0 {
		p |= pgtable.Read
	}
	if write && v.prot&unix.PROT_WRITE != 0 {
		p |= pgtable.Write
	}
	if v.prot&unix.PROT_EXEC != 0 {
		p |= pgtable.Execute | pgtable.Read
	}
	if own {
		p |= pgtable.Own
	}
	return p
}

// find is the VMA that holds va, or nil. The caller holds mu.
func (s *Space) find(va uint64) *VMA {
	if v := s.recent.Load(); v != nil && !v.dead && v.start <= va && va < v.end {
		return v
	}
	if v := s.vmas.from(va); v != nil && v.start <= va {
		s.recent.Store(v)
		return v
	}
	return nil
}

// occupied reports whether a VMA overlaps [from, to). The caller holds mu.
func (s *Space) occupied(from, to uint64) bool {
	v := s.vmas.from(from)
	return v != nil && v.start < to
}

// insert puts v where no other VMA is, and joins it with neighbours that continue it.
// The caller holds mu for writing; gone are VMAs to release afterwards.
func (s *Space) insert(v *VMA) (gone []*VMA) {
	s.add(v)
	s.count(v, v.end-v.start, 1)
	s.join(v.end, &gone)
	s.join(v.start, &gone)
	return gone
}

// add puts v into the tree.
func (s *Space) add(v *VMA) {
	prev := s.vmas.last
	if next := s.vmas.from(v.start); next != nil {
		prev = next.before
	}
	s.attach(v)
	s.vmas.insert(v, prev)
}

// join makes one VMA of the two that meet at va, where they can be one. The caller
// holds mu for writing and releases gone.
func (s *Space) join(va uint64, gone *[]*VMA) {
	b := s.vmas.from(va)
	if b == nil || b.start != va || b.before == nil {
		return
	}
	a := b.before
	if a.end != b.start || a.attributes != b.attributes || a.obj != nil && a.index(a.end) != b.off {
		return
	}
	end := b.end
	s.vmas.remove(b)
	b.dead = true
	a.setEnd(end)
	s.pt.Lock()
	a.copied = a.copied || b.copied
	s.pt.Unlock()
	*gone = append(*gone, b)
}

// split makes a VMA boundary at va. The caller holds mu for writing.
func (s *Space) split(va uint64) {
	a := s.vmas.from(va)
	if a == nil || a.start >= va {
		return
	}
	b := a.clone(va, a.end)
	s.pt.Lock()
	b.copied = a.copied
	s.pt.Unlock()
	a.setEnd(va)
	s.attach(b)
	s.vmas.insert(b, a)
}

// isolate makes [from, to), which lies in one VMA, a VMA of its own, and returns it.
// The caller holds mu for writing.
func (s *Space) isolate(from, to uint64) *VMA {
	s.split(from)
	s.split(to)
	return s.find(from)
}

func (s *Space) attach(v *VMA) {
	v.space = s
	if v.obj != nil {
		v.cacher, _ = v.obj.(Cacher)
		if t, ok := v.obj.(DirtyTracker); ok {
			v.tracks = t.TracksDirty()
		}
		c, ok := v.obj.(*PageCache)
		v.inMemory = ok && c.filler == nil
		if ok && v.shared {
			v.stored = c.Stored
		}
		v.obj.Attach(v)
	}
	if v.file != nil {
		v.file.MapRef()
	}
}

// take removes the VMAs of [from, to), splitting those at its ends. The caller holds
// mu for writing, unmaps the pages, and releases the VMAs when it has let go of mu.
func (s *Space) take(from, to uint64) (gone []*VMA) {
	s.split(from)
	s.split(to)
	for v := s.vmas.from(from); v != nil && v.start < to; {
		next := v.after
		s.vmas.remove(v)
		v.dead = true
		s.count(v, v.end-v.start, -1)
		gone = append(gone, v)
		v = next
	}
	return gone
}

// remove takes the VMAs of [from, to) out of the space and drops their pages. The
// caller holds mu for writing, and releases gone when it has let go of it.
func (s *Space) remove(from, to uint64) (gone []*VMA) {
	gone = s.take(from, to)
	z := zap{s: s}
	for _, v := range gone {
		z.drop(v, v.start, v.end, true)
	}
	z.finish()
	return gone
}

// release drops what removed VMAs refer to. The caller holds no locks.
func release(gone []*VMA) {
	for _, v := range gone {
		if v.obj != nil {
			v.obj.Detach(v)
		}
		if v.file != nil {
			v.file.MapUnref()
		}
	}
}

// MapInfo describes a mapping, for /proc/PID/maps.
type MapInfo struct {
	Start, End   user.Addr
	Prot         int
	Shared       bool
	Offset       uint64
	Major, Minor uint32
	Ino          uint64
	Name         string
	// File is what backs the mapping, nil for memory. It may have been closed since.
	File Backing
}

func (v *VMA) info() MapInfo {
	m := MapInfo{
		Start: user.Addr(v.start), End: user.Addr(v.end), Prot: v.prot, Shared: v.shared, Name: v.name, File: v.file,
	}
	if v.obj != nil {
		m.Offset = v.off << mem.PageShift
	}
	if v.file != nil {
		m.Major, m.Minor, m.Ino, m.Name = v.file.MapInfo()
	}
	return m
}

// Maps returns the mappings in the order of their addresses.
func (s *Space) Maps() []MapInfo {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]MapInfo, 0, s.vmas.n)
	for v := s.vmas.first; v != nil; v = v.after {
		out = append(out, v.info())
	}
	return out
}
