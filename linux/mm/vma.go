package mm

import (
	"sort"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// VMA is a range of an address space with one protection and one backing. Its fields
// are guarded by its space's lock, but for next and prev, which are its object's.
type VMA struct {
	space      *Space
	start, end uint64 // page-aligned
	prot       int    // unix.PROT_ bits
	shared     bool
	dead       bool // no longer in the space

	// maySharedWrite: the file was opened so that a shared mapping may be written.
	maySharedWrite bool
	noExec         bool // the file is on a file system without programs
	growsDown      bool
	advice         advice

	obj  Object // nil: private anonymous memory
	file Backing
	off  uint64 // page of obj at start
	name string // [heap], [stack]

	next, prev *VMA
}

// advice is what madvise said about a mapping.
type advice uint8

const (
	dontFork   advice = 1 << iota // MADV_DONTFORK: a child does not get it
	wipeOnFork                    // MADV_WIPEONFORK: a child gets it empty
	dontDump                      // MADV_DONTDUMP: left out of core dumps
	random                        // MADV_RANDOM: no read-ahead
	sequential                    // MADV_SEQUENTIAL: much of it
)

// clone copies v, but for what is its object's.
func (v *VMA) clone() *VMA {
	return &VMA{
		start: v.start, end: v.end, prot: v.prot, shared: v.shared, maySharedWrite: v.maySharedWrite, noExec: v.noExec,
		growsDown: v.growsDown, advice: v.advice, obj: v.obj, file: v.file, off: v.off, name: v.name,
	}
}

// index is the page of the object that va shows.
func (v *VMA) index(va uint64) uint64 { return v.off + (va-v.start)>>mem.PageShift }

// pteProt is what entries may allow: write says that the frame may be written.
func (v *VMA) pteProt(write bool) pgtable.Prot {
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
	return p
}

// search is the position of the first VMA that ends after va. The caller holds mu.
func (s *Space) search(va uint64) int {
	return sort.Search(len(s.vmas), func(i int) bool { return s.vmas[i].end > va })
}

// find is the VMA that holds va, or nil. The caller holds mu.
func (s *Space) find(va uint64) *VMA {
	if i := s.search(va); i < len(s.vmas) && s.vmas[i].start <= va {
		return s.vmas[i]
	}
	return nil
}

// insert puts v where no other VMA is, and joins it with neighbours that continue it.
// The caller holds mu for writing; gone are VMAs to release afterwards.
func (s *Space) insert(v *VMA) (gone []*VMA) {
	i := s.search(v.start)
	s.attach(v)
	s.vmas = append(s.vmas, nil)
	copy(s.vmas[i+1:], s.vmas[i:])
	s.vmas[i] = v
	s.total += v.end - v.start
	for _, j := range [2]int{i + 1, i} {
		if j > 0 && j < len(s.vmas) && joins(s.vmas[j-1], s.vmas[j]) {
			b := s.vmas[j]
			s.vmas[j-1].end = b.end
			b.dead = true
			s.vmas = append(s.vmas[:j], s.vmas[j+1:]...)
			gone = append(gone, b)
		}
	}
	s.seq++
	return gone
}

func joins(a, b *VMA) bool {
	return a.end == b.start && a.prot == b.prot && a.shared == b.shared && a.obj == b.obj && a.file == b.file &&
		a.growsDown == b.growsDown && a.advice == b.advice && a.maySharedWrite == b.maySharedWrite && a.noExec == b.noExec && a.name == b.name &&
		(a.obj == nil || a.index(a.end) == b.off)
}

// split makes a VMA boundary at va. The caller holds mu for writing.
func (s *Space) split(va uint64) {
	i := s.search(va)
	if i == len(s.vmas) || s.vmas[i].start >= va {
		return
	}
	a := s.vmas[i]
	b := a.clone()
	b.start, b.off = va, a.index(va)
	a.end = va
	s.attach(b)
	s.vmas = append(s.vmas, nil)
	copy(s.vmas[i+2:], s.vmas[i+1:])
	s.vmas[i+1] = b
	s.seq++
}

func (s *Space) attach(v *VMA) {
	v.space = s
	if v.obj != nil {
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
	i, j := s.search(from), s.search(to-1)
	if j < len(s.vmas) && s.vmas[j].start < to {
		j++
	}
	s.peak = max(s.peak, s.total)
	gone = append(gone, s.vmas[i:j]...)
	for _, v := range gone {
		v.dead = true
		s.total -= v.end - v.start
	}
	s.vmas = append(s.vmas[:i], s.vmas[j:]...)
	s.seq++
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
}

func (v *VMA) info() MapInfo {
	m := MapInfo{Start: user.Addr(v.start), End: user.Addr(v.end), Prot: v.prot, Shared: v.shared, Name: v.name}
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
	out := make([]MapInfo, 0, len(s.vmas))
	for _, v := range s.vmas {
		out = append(out, v.info())
	}
	return out
}
