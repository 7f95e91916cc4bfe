package mm

import (
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

	mu       sync.RWMutex // guards the VMAs and brk; taken before pt and Mappings.mu
	vmas     []*VMA       // sorted, apart from each other
	seq      uint64       // counts changes of vmas
	total    uint64       // bytes in vmas
	peak     uint64       // the most that total was before it shrank
	base     uint64       // mmap goes downwards from here
	brkStart uint64
	brk      uint64
	stackMax uint64 // bytes that the stack may grow to

	pt     sync.Mutex // guards page-table entries, gen and rss; leaf but for package mem's
	gen    uint64     // counts calls of zapObject and cleanObject
	mapped int        // pages mapped, but for the frame of zeroes

	peakMapped int // the most that mapped was before it shrank; guarded by pt
}

var _ user.Memory = (*Space)(nil)

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
	s.base = pgtable.UserEnd - 1<<30 - s.random(28)
	return s, nil
}

// random is a page-aligned number of at most bits bits of pages.
func (s *Space) random(bits int) uint64 {
	var b [8]byte
	s.m.Random(b[:])
	return binary.LittleEndian.Uint64(b[:]) >> (64 - bits) << mem.PageShift
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
	gone := s.take(0, pgtable.UserEnd)
	s.unmap(0, pgtable.UserEnd)
	s.mu.Unlock()
	release(gone)
	s.m.FreeSpace(s.hw)
}

// Shared reports whether others hold references too.
func (s *Space) Shared() bool { return s.refs.Load() > 1 }

// Usage returns the bytes of all mappings and the pages that are mapped now.
func (s *Space) Usage() (total uint64, resident int) {
	s.mu.RLock()
	total = s.total
	s.mu.RUnlock()
	s.pt.Lock()
	defer s.pt.Unlock()
	return total, s.mapped
}

// unmap empties the entries of [from, to) and drops their frames, after the flush.
func (s *Space) unmap(from, to uint64) {
	for from < to {
		from = s.unmapSome(from, to)
	}
}

// unmapSome empties up to a batch of entries and returns where it stopped.
func (s *Space) unmapSome(from, to uint64) (next uint64) {
	var frames [256]mem.Frame
	n, dirty := 0, false
	next = to
	s.pt.Lock()
	s.hw.Range(from, to, func(va uint64, e *pgtable.Entry) bool {
		if n == len(frames) {
			next = va
			return false
		}
		if !e.Load().Mapped() {
			return true
		}
		dirty = true
		if f := e.Clear().Frame(); f != zeroFrame() {
			frames[n] = f
			n++
		}
		return true
	})
	s.peakMapped = max(s.peakMapped, s.mapped)
	s.mapped -= n
	if dirty {
		s.m.FlushTLB(s.hw, from, next)
	}
	s.pt.Unlock()
	for _, f := range frames[:n] {
		f.Unref()
	}
	return next
}

// objectRange is the part of v that shows pages [first, last) of its object.
func (v *VMA) objectRange(first, last uint64) (from, to uint64) {
	lo, hi := max(first, v.off), min(last, v.index(v.end))
	if lo >= hi {
		return 0, 0
	}
	return v.start + (lo-v.off)<<mem.PageShift, v.start + (hi-v.off)<<mem.PageShift
}

func (s *Space) zapObject(v *VMA, first, last uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.pt.Lock()
	s.gen++
	s.pt.Unlock()
	if !v.dead {
		s.unmap(v.objectRange(first, last))
	}
}

func (s *Space) cleanObject(v *VMA, first, last uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.pt.Lock()
	defer s.pt.Unlock()
	s.gen++
	if v.dead || !v.shared {
		return
	}
	from, to := v.objectRange(first, last)
	s.readOnly(v, from, to)
}

// readOnly takes write permission from the entries of [from, to). The caller holds pt.
func (s *Space) readOnly(v *VMA, from, to uint64) {
	changed := false
	s.hw.Range(from, to, func(va uint64, e *pgtable.Entry) bool {
		if x := e.Load(); x.Writable() {
			e.Set(x.Frame(), v.pteProt(false))
			changed = true
		}
		return true
	})
	if changed {
		s.m.FlushTLB(s.hw, from, to)
	}
}

// Fault repairs an access to addr that the page table does not allow. Where it cannot,
// the error says why: EFAULT where nothing is mapped (SIGSEGV, SEGV_MAPERR), EACCES where
// the protection forbids it (SEGV_ACCERR), ENXIO past the end of the object or on an
// I/O error (SIGBUS), ENOMEM where no frame is left.
func (s *Space) Fault(addr user.Addr, access machine.Access) error {
	va := uint64(addr) &^ (mem.PageSize - 1)
	if uint64(addr) >= pgtable.UserEnd {
		return unix.EFAULT
	}
	for {
		if err := s.fault(access, va); err != errAgain {
			return err
		}
	}
}

// errAgain is fault's answer when the space changed while it let go of its locks.
const errAgain = unix.EAGAIN

func (s *Space) fault(access machine.Access, va uint64) error {
	s.mu.RLock()
	v := s.find(va)
	if v == nil {
		s.mu.RUnlock()
		if s.growStack(va) {
			return errAgain
		}
		return unix.EFAULT
	}
	need := unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC
	write := access == machine.Write
	if write {
		need = unix.PROT_WRITE
	} else if access == machine.Execute {
		need = unix.PROT_EXEC
	}
	if v.prot&need == 0 {
		s.mu.RUnlock()
		return unix.EACCES
	}
	// Look first, so that no frame is prepared in vain; the decision is made again
	// under the lock.
	s.pt.Lock()
	gen, seq := s.gen, s.seq
	var old pgtable.Value
	if e := s.hw.Page(va); e != nil {
		old = e.Load()
	}
	if old.Mapped() && !write || old.Writable() {
		s.m.FlushTLB(s.hw, va, va+mem.PageSize) // another thread has repaired it
		s.pt.Unlock()
		s.mu.RUnlock()
		return nil
	}
	private := write && !v.shared
	if private && old.Mapped() && old.Frame() != zeroFrame() && old.Frame().Refs() == 1 {
		// Nobody else has the frame any more: no copy is needed.
		s.hw.Page(va).Set(old.Frame(), v.pteProt(true))
		s.m.FlushTLB(s.hw, va, va+mem.PageSize)
		s.pt.Unlock()
		s.mu.RUnlock()
		return nil
	}
	var source mem.Frame // what to copy from, with a reference
	if old.Mapped() && private && old.Frame() != zeroFrame() {
		source = old.Frame()
		source.Ref()
	}
	s.pt.Unlock()
	obj, index, writable := v.obj, v.index(va), write
	s.mu.RUnlock()

	frame := zeroFrame()
	if obj != nil && source == 0 && !(private && old.Mapped()) {
		f, err := obj.Page(index, write && !private)
		if err == unix.ENOMEM {
			return unix.ENOMEM
		} else if err != nil {
			return unix.ENXIO
		}
		frame = f
		if private {
			source = f
		}
	}
	if private {
		f, err := allocFrame(source == 0)
		if err != nil {
			if source != 0 {
				source.Unref()
			}
			return unix.ENOMEM
		}
		if source != 0 {
			*f.Data() = *source.Data()
			source.Unref()
		}
		frame = f
	}

	s.mu.RLock()
	s.pt.Lock()
	ok := s.seq == seq && s.gen == gen
	var e *pgtable.Entry
	if ok {
		var err error
		if e, err = s.hw.MakePage(va); err != nil {
			s.pt.Unlock()
			s.mu.RUnlock()
			drop(frame)
			if Reclaim(reclaimBatch) > 0 {
				return errAgain
			}
			return unix.ENOMEM
		}
		ok = e.Load() == old
	}
	if !ok {
		s.pt.Unlock()
		s.mu.RUnlock()
		drop(frame)
		return errAgain
	}
	if old.Mapped() {
		// Another frame for a live translation: break before make (Arm ARM D8.16.1).
		e.Clear()
		s.m.FlushTLB(s.hw, va, va+mem.PageSize)
		if old.Frame() != zeroFrame() {
			s.mapped--
		}
	}
	p := v.pteProt(writable)
	if p&pgtable.Execute != 0 {
		s.m.SyncCode(frame)
	}
	e.Set(frame, p)
	if frame != zeroFrame() {
		s.mapped++
	}
	s.pt.Unlock()
	s.mu.RUnlock()
	if old.Mapped() {
		drop(old.Frame())
	}
	return nil
}

// drop gives back a reference that a mapping had or was to have.
func drop(f mem.Frame) {
	if f != zeroFrame() {
		f.Unref()
	}
}

// growStack extends a mapping that grows down to va, where that is allowed.
func (s *Space) growStack(va uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.search(va)
	if i == len(s.vmas) || va < minAddr {
		return false
	}
	v := s.vmas[i]
	if v.start <= va {
		return true
	}
	if !v.growsDown || v.end-va > s.stackMax || i > 0 && va < s.vmas[i-1].end+guardGap {
		return false
	}
	s.total += v.start - va
	v.start = va
	s.seq++
	return true
}

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
	for _, v := range s.vmas {
		if v.advice&dontFork != 0 {
			continue
		}
		w := v.clone()
		c.attach(w)
		c.vmas = append(c.vmas, w)
		c.total += w.end - w.start
		if v.shared || v.advice&wipeOnFork != 0 {
			continue // faults find the pages in the object
		}
		s.readOnly(v, v.start, v.end)
		s.hw.Range(v.start, v.end, func(va uint64, e *pgtable.Entry) bool {
			x := e.Load()
			if !x.Mapped() {
				return true
			}
			var ce *pgtable.Entry
			if ce, err = c.hw.MakePage(va); err != nil {
				return false
			}
			ce.SetValue(x)
			if f := x.Frame(); f != zeroFrame() {
				f.Ref()
				c.mapped++
			}
			return true
		})
		if err != nil {
			break
		}
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

// copy moves p from or to user memory, faulting pages in. The page-table lock is held
// while the bytes of one page move, so that the frame stays.
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
		for n < len(p) && va < pgtable.UserEnd {
			e := s.hw.Page(va)
			if e == nil {
				break
			}
			x := e.Load()
			if out && !x.Writable() || !x.Present() {
				break
			}
			d := x.Frame().Data()[va%mem.PageSize:]
			var k int
			if out {
				k = copy(d, p[n:])
			} else {
				k = copy(p[n:], d)
			}
			n, va = n+k, va+uint64(k)
		}
		s.pt.Unlock()
		if n < len(p) && (va >= pgtable.UserEnd || s.Fault(user.Addr(va), access) != nil) {
			return n, unix.EFAULT
		}
	}
	return n, nil
}

// CopyIn implements user.Memory.
func (s *Space) CopyIn(dst []byte, from user.Addr) (int, error) { return s.copy(dst, from, false) }

// CopyOut implements user.Memory.
func (s *Space) CopyOut(to user.Addr, src []byte) (int, error) { return s.copy(src, to, true) }
