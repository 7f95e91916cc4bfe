package mm

import (
	"bytes"
	"encoding/binary"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

const (
	// minAddr is the lowest address that mmap gives (vm.mmap_min_addr).
	minAddr = 0x10000
	// guardGap is kept free below a stack that grows.
	guardGap = 256 * mem.PageSize
	// maxMaps is vm.max_map_count.
	maxMaps = 65530
)

// Space is an address space: what tasks that share memory have in common.
type Space struct {
	m    machine.Machine
	hw   *machine.Space
	refs atomic.Int32

	owner atomic.Int32 // see SetOwner

	mu       sync.RWMutex // guards the VMAs and what follows; taken before pt and Mappings.mu
	vmas     tree
	recent   atomic.Pointer[VMA] // what find found last; set under mu held for reading too
	base     uint64              // mmap goes downwards from here
	brkStart uint64
	brk      uint64
	stackMax uint64 // bytes that the stack may grow to, where there are no limits
	limits   Limits // may be nil
	future   advice // what mlockall(MCL_FUTURE) gives to new mappings
	mayLock  bool   // whoever called it is not limited

	pt     sync.Mutex // guards page-table entries and what follows, and VMA.copied; leaf but for package mem's
	gen    uint64     // counts calls of zapObject and cleanObject
	leaves [4]leafAt  // see page

	counters counters
}

var _ user.Memory = (*Space)(nil)

// Limits are the resource limits of the process that a space belongs to.
type Limits interface {
	// Limit is a soft limit in bytes (a unix.RLIMIT_ constant).
	Limit(resource int) uint64
}

// zeroFrame is what untouched anonymous memory reads as. It is not counted where it
// is mapped.
var zeroFrame = sync.OnceValue(func() mem.Frame {
	f, err := mem.Alloc()
	if err != nil {
		panic("mm: no memory for the frame of zeroes")
	}
	return f
})

// New returns an empty address space with one reference.
func New(m machine.Machine) (*Space, error) {
	hw, err := m.NewSpace()
	if err != nil {
		return nil, err
	}
	s := &Space{m: m, hw: hw, stackMax: 8 << 20}
	s.refs.Store(1)
	zeroFrame()
	s.vmas.seed = uint32(s.random(32))
	s.base = pgtable.UserEnd - 1<<30 - s.random(28)<<mem.PageShift
	return s, nil
}

// random is a number of at most bits bits.
func (s *Space) random(bits int) uint64 {
	var b [8]byte
	s.m.Random(b[:])
	return binary.LittleEndian.Uint64(b[:]) >> (64 - bits)
}

// SetLimits says whose limits apply from now on. A child of Fork has none until it is
// told.
func (s *Space) SetLimits(l Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = l
}

// limit is a resource limit. The caller holds mu.
func (s *Space) limit(resource int) uint64 {
	if s.limits == nil {
		if resource == unix.RLIMIT_STACK {
			return s.stackMax
		}
		return unix.RLIM_INFINITY
	}
	return s.limits.Limit(resource)
}

// Hardware is what Machine.Enter takes.
func (s *Space) Hardware() *machine.Space { return s.hw }

// Retain adds a reference. Release drops one; the last unmaps everything. No program
// may then be running in the space.
func (s *Space) Retain() { s.refs.Add(1) }

// TryRetain is Retain for somebody who looks from outside: it reports whether there was
// a reference left to add to.
func (s *Space) TryRetain() bool {
	for {
		n := s.refs.Load()
		if n <= 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *Space) Release() {
	if s.refs.Add(-1) > 0 {
		return
	}
	s.mu.Lock()
	gone := s.remove(0, pgtable.UserEnd)
	s.recent.Store(nil)
	s.mu.Unlock()
	release(gone)
	s.m.FreeSpace(s.hw)
}

// Shared reports whether others hold references too.
func (s *Space) Shared() bool { return s.refs.Load() > 1 }

// Fork returns a copy of the space: private memory is copied when either side writes
// it, shared memory is shared.
func (s *Space) Fork() (*Space, error) {
	c, err := New(s.m)
	if err != nil {
		return nil, err
	}
	c.owner.Store(s.owner.Load())
	s.mu.Lock()
	c.mu.Lock()
	c.base, c.brkStart, c.brk, c.stackMax = s.base, s.brkStart, s.brk, s.stackMax
	s.pt.Lock()
	f := forking{s: s, c: c}
	for v := s.vmas.first; v != nil && err == nil; v = v.after {
		if v.advice&dontFork != 0 {
			continue
		}
		w := v.clone(v.start, v.end)
		w.advice &^= locked | onFault // mlock(2): a child inherits no locks
		c.attach(w)
		c.vmas.insert(w, c.vmas.last)
		c.count(w, w.end-w.start, 1)
		// What an object has, faults find there.
		if !v.shared && v.advice&wipeOnFork == 0 && (v.obj == nil || v.copied) {
			w.copied = v.copied
			err = f.copy(v, w)
		}
	}
	if f.low != f.end {
		s.m.FlushTLB(s.hw, f.low, f.end)
	}
	s.pt.Unlock()
	c.mu.Unlock()
	s.mu.Unlock()
	if err != nil {
		c.Release()
		return nil, err
	}
	return c, nil
}

// forking is a copy of page tables under way.
type forking struct {
	s, c     *Space
	low, end uint64 // entries of s that lost write permission

	// The entry of va in c. Neighbours follow it up to the end of its table.
	entry *pgtable.Entry
	va    uint64
}

// slot is the entry of va in c; calls come with ascending addresses.
func (f *forking) slot(va uint64) (e *pgtable.Entry, err error) {
	const table = 512 * mem.PageSize
	if f.entry == nil || va/table != f.va/table {
		if f.entry, err = f.c.hw.MakePage(va); err != nil {
			return nil, err
		}
	} else {
		for ; f.va < va; f.va += mem.PageSize {
			f.entry = f.entry.Next()
		}
	}
	f.va = va
	return f.entry, nil
}

// copy shares the pages of v with its copy w: neither may write them from now on.
func (f *forking) copy(v, w *VMA) (err error) {
	f.s.hw.Range(v.start, v.end, func(va uint64, e *pgtable.Entry) bool {
		x := e.Load()
		if !x.Mapped() {
			return true
		}
		if x.Writable() {
			e.Set(x.Frame(), v.pteProt(false, x.Own()))
			if f.low == f.end {
				f.low = va
			}
			f.end = va + mem.PageSize
		}
		var ce *pgtable.Entry
		if ce, err = f.slot(va); err != nil {
			return false
		}
		ce.SetValue(e.Load())
		if frame := x.Frame(); frame != zeroFrame() {
			frame.Ref()
			f.c.resident(w, x.Own(), 1)
		}
		return true
	})
	return err
}

// leafAt is a table of page entries that page has found.
type leafAt struct {
	number  uint64 // of the addresses that it translates, divided by their size
	entries *pgtable.Leaf
}

// page is the entry of va's page, nil where its table is missing. Programs hand the same few
// places to system calls again and again, so it keeps the tables that it found, each in the place that its
// number gives it. They need not be invalidated: what is kept is where entries are, not what
// they say, and tables stay where they are for as long as the space. The caller holds pt.
func (s *Space) page(va uint64) *pgtable.Entry {
	l := &s.leaves[va/pgtable.LeafSize%uint64(len(s.leaves))]
	if l.entries == nil || l.number != va/pgtable.LeafSize {
		return s.walk(l, va)
	}
	return l.entries.Page(va)
}

// walk is page for a table that is not in its place l.
func (s *Space) walk(l *leafAt, va uint64) *pgtable.Entry {
	found := s.hw.Leaf(va)
	if found == nil {
		return nil
	}
	*l = leafAt{va / pgtable.LeafSize, found}
	return found.Page(va)
}

// copyPage moves p from or to user memory, whole, where that lies in one page which is
// there for it; else it moves nothing. It is the path of the small structures that most system calls move.
func (s *Space) copyPage(p []byte, at user.Addr, out bool) (done bool) {
	va, off := uint64(at), at%mem.PageSize
	if va >= pgtable.UserEnd || len(p) > mem.PageSize-int(off) {
		return false
	}
	s.pt.Lock()
	if e := s.page(va); e != nil {
		if x := e.Load(); x.Writable() || x.Present() && !out {
			d := x.Frame().Data()[off:]
			if out {
				copy(d, p)
			} else {
				copy(p, d)
			}
			done = true
		}
	}
	s.pt.Unlock()
	return done
}

// copyRun is how many bytes a copy moves before it lets others have the page table.
const copyRun = 8 * mem.PageSize

// copy moves p from or to user memory, faulting pages in. The page-table lock is held
// while bytes move: a frame whose contents could be copied meanwhile, for a child or for
// another thread's write, would lose them.
func (s *Space) copy(p []byte, at user.Addr, out bool) (n int, err error) {
	access := machine.Read
	if out {
		access = machine.Write
	}
	for n < len(p) {
		va := uint64(at) + uint64(n)
		if va >= pgtable.UserEnd {
			return n, unix.EFAULT
		}
		s.pt.Lock()
		stop := n + copyRun
		present := true
		for n < len(p) && n < stop && va < pgtable.UserEnd {
			d := s.bytes(va, access)
			if present = d != nil; !present {
				break
			}
			var k int
			if out {
				k = mem.Copy(d, p[n:])
			} else {
				k = mem.Copy(p[n:], d)
			}
			n, va = n+k, va+uint64(k)
		}
		s.pt.Unlock()
		if !present && s.Fault(user.Addr(va), access) != nil {
			return n, unix.EFAULT
		}
	}
	return n, nil
}

// bytes is the memory from va to the end of its page, nil where it is not there for
// access. The caller holds pt.
func (s *Space) bytes(va uint64, access machine.Access) []byte {
	e := s.page(va)
	if e == nil {
		return nil
	}
	if x := e.Load(); x.Writable() || x.Present() && access != machine.Write {
		return x.Frame().Data()[va%mem.PageSize:]
	}
	return nil
}

// CopyIn implements user.Memory.
func (s *Space) CopyIn(dst []byte, from user.Addr) (int, error) {
	if s.copyPage(dst, from, false) {
		return len(dst), nil
	}
	return s.copy(dst, from, false)
}

// CopyOut implements user.Memory.
func (s *Space) CopyOut(to user.Addr, src []byte) (int, error) {
	if s.copyPage(src, to, true) {
		return len(src), nil
	}
	return s.copy(src, to, true)
}

// CopyInString copies the NUL-terminated string at from into buf and returns its length
// without the NUL: ENAMETOOLONG where the NUL is not among the first len(buf) bytes. It
// touches no page that the string does not reach.
func (s *Space) CopyInString(buf []byte, from user.Addr) (n int, err error) {
	for n < len(buf) {
		va := uint64(from) + uint64(n)
		if va >= pgtable.UserEnd {
			return n, unix.EFAULT
		}
		s.pt.Lock()
		d := s.bytes(va, machine.Read)
		if d == nil {
			s.pt.Unlock()
			if s.Fault(user.Addr(va), machine.Read) != nil {
				return n, unix.EFAULT
			}
			continue
		}
		d = d[:min(len(d), len(buf)-n)]
		end := bytes.IndexByte(d, 0)
		if end >= 0 {
			d = d[:end]
		}
		n += copy(buf[n:], d)
		s.pt.Unlock()
		if end >= 0 {
			return n, nil
		}
	}
	return n, unix.ENAMETOOLONG
}
