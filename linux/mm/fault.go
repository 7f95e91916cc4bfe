package mm

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// Fault repairs an access to addr that the page table does not allow. Where it cannot,
// the error says why: EFAULT where nothing is mapped (SIGSEGV, SEGV_MAPERR), EACCES where
// the protection forbids it (SEGV_ACCERR), ENXIO past the end of the object or on an
// I/O error (SIGBUS), ENOMEM where no frame is left.
func (s *Space) Fault(addr user.Addr, access machine.Access) error {
	if uint64(addr) >= pgtable.UserEnd {
		return unix.EFAULT
	}
	f := fault{s: s, va: uint64(addr) &^ (mem.PageSize - 1), access: access, write: access == machine.Write}
	return f.repair()
}

func (f *fault) repair() error {
	s := f.s
	for {
		s.mu.RLock()
		err := f.round()
		s.mu.RUnlock()
		if err == errAgain {
			err = f.outside()
		}
		if err != errAgain {
			f.frame.drop()
			return err
		}
	}
}

// fault is a fault under way. A round looks at the mapping and repairs the entry with
// Space.mu held for reading. What must not be done under the lock is done after it
// (outside), and the next round finds it done.
type fault struct {
	s      *Space
	va     uint64
	access machine.Access
	write  bool
	force  bool // whatever the protection, but for writes of what is shared

	todo  work
	rooms int // how often makeRoom was done

	// A page that outside has fetched.
	obj    Object
	index  uint64
	shared bool   // for a shared mapping, so that write is the object's business
	gen    uint64 // Space.gen before it
	frame  ref
}

// ref is a frame with a reference, 0 for none. The frame of zeroes needs none.
type ref mem.Frame

func (r *ref) drop() {
	if f := r.take(); f != 0 && f != zeroFrame() {
		f.Unref()
	}
}

// take moves the reference to the caller.
func (r *ref) take() mem.Frame {
	f := mem.Frame(*r)
	*r = 0
	return f
}

// work is what a round leaves for outside.
type work uint8

const (
	nothingLeft work = iota // something has changed meanwhile: look again
	growStack               // there may be a stack to grow
	fetchPage               // Object.Page may block
	makeRoom                // no frame is free
)

// errAgain says that there is another round, after outside has done its part.
const errAgain = unix.EAGAIN

func (f *fault) outside() error {
	todo := f.todo
	f.todo = nothingLeft
	switch todo {
	case growStack:
		return f.s.growStack(f.va)
	case fetchPage:
		page, err := f.obj.Page(f.index, f.write && f.shared)
		switch {
		case err == unix.ENOMEM:
			return err
		case err != nil:
			return unix.ENXIO
		}
		f.frame = ref(page)
	case makeRoom:
		f.frame.drop()
		if f.rooms++; f.rooms > 3 || Reclaim(reclaimBatch) == 0 {
			return unix.ENOMEM
		}
	}
	return errAgain
}

// again ends a round with work for outside.
func (f *fault) again(todo work) error {
	f.todo = todo
	return errAgain
}

// round is one try. The caller holds mu for reading.
func (f *fault) round() error {
	s := f.s
	v := s.find(f.va)
	if v == nil {
		return f.again(growStack)
	}
	need := unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC
	switch f.access {
	case machine.Write:
		need = unix.PROT_WRITE
	case machine.Execute:
		need = unix.PROT_EXEC
	}
	if v.prot&need == 0 && (!f.force || f.write && v.shared) {
		return unix.EACCES
	}

	// Look first, so that no frame is prepared in vain; the decision is made again
	// when the entry is written.
	copies := f.write && !v.shared
	s.pt.Lock()
	gen := s.gen
	var old pgtable.Value
	e := s.page(f.va)
	if e != nil {
		old = e.Load()
	}
	switch {
	case old.Mapped() && !f.write || old.Writable():
		// Another thread has repaired it.
	case old.Mapped() && s.mayWrite(v, old):
		e.Set(old.Frame(), v.pteProt(true, old.Own()))
	default:
		var source ref
		if copies && old.Mapped() && old.Frame() != zeroFrame() {
			source = ref(old.Frame())
			old.Frame().Ref()
		}
		s.pt.Unlock()
		defer source.drop() // not before the entry is written: a frame that came back would look like old
		return f.map_(v, old, gen, &source)
	}
	s.m.FlushTLB(s.hw, f.va, f.va+mem.PageSize)
	s.pt.Unlock()
	return nil
}

// mayWrite reports whether what an entry of v maps may be written in place. The caller
// holds pt.
func (s *Space) mayWrite(v *VMA, x pgtable.Value) bool {
	f := x.Frame()
	if v.shared {
		return !v.tracks
	}
	return x.Own() && f != zeroFrame() && f.Refs() == 1
}

// around is how many pages a fault in an object maps at once, where they are in memory.
const around = 16

// map_ finds the page for a fault and writes it to the entry, which holds old. source is
// what to copy from, where that is mapped already. The caller holds mu for reading.
func (f *fault) map_(v *VMA, old pgtable.Value, gen uint64, source *ref) error {
	s := f.s
	copies := f.write && !v.shared
	var near *window
	var page ref
	if v.obj != nil && *source == 0 {
		if f.frame != 0 && (f.obj != v.obj || f.index != v.index(f.va) || f.gen != gen) {
			f.frame.drop()
		}
		if f.frame != 0 {
			page = ref(f.frame.take())
		} else if v.cacher != nil && !(f.write && v.tracks && v.shared) {
			near = loadWindow(v, f.va, !f.write || v.shared)
			defer near.drop()
			page = near.take(f.va)
			if page != 0 && f.write && v.stored != nil {
				v.stored()
			}
		}
		if page == 0 {
			f.obj, f.index, f.shared, f.gen = v.obj, v.index(f.va), v.shared, gen
			return f.again(fetchPage)
		}
	}
	defer page.drop()
	switch {
	case copies:
		if page != 0 {
			*source, page = page, 0
		}
		var fresh mem.Frame
		var err error
		if *source == 0 {
			fresh, err = mem.Alloc()
		} else {
			fresh, err = mem.AllocDirty()
		}
		if err != nil {
			return f.again(makeRoom)
		}
		if *source != 0 {
			*fresh.Data() = *mem.Frame(*source).Data()
		}
		page = ref(fresh)
	case page == 0:
		page = ref(zeroFrame())
	}

	s.pt.Lock()
	defer s.pt.Unlock()
	e, err := s.hw.MakePage(f.va)
	if err != nil {
		return f.again(makeRoom)
	}
	if s.gen != gen || e.Load() != old {
		return f.again(nothingLeft)
	}
	if old.Mapped() {
		// Another frame for a live translation: break before make (Arm ARM D8.16.1).
		e.Clear()
		s.m.FlushTLB(s.hw, f.va, f.va+mem.PageSize)
		if x := old.Frame(); x != zeroFrame() {
			s.resident(v, old.Own(), -1)
			defer x.Unref()
		}
	}
	own := v.obj == nil || copies
	if own {
		v.copied = true
	}
	frame := page.take()
	s.set(v, e, frame, f.write || v.shared && !v.tracks, own)
	if near != nil {
		near.map_(s, v)
	}
	return nil
}

// set writes an entry that is empty. The caller holds pt and gives its reference.
func (s *Space) set(v *VMA, e *pgtable.Entry, frame mem.Frame, write, own bool) {
	p := v.pteProt(write, own)
	if p&pgtable.Execute != 0 {
		s.m.SyncCode(frame)
	}
	e.Set(frame, p)
	if frame != zeroFrame() {
		s.resident(v, own, 1)
	}
}

// window is pages of an object around a fault that are in memory.
type window struct {
	va     uint64 // of the first
	n      int
	frames [around]mem.Frame // with references, 0 for none
}

// loadWindow finds the pages of v around va, or only va's.
func loadWindow(v *VMA, va uint64, wide bool) *window {
	w := &window{va: va, n: 1}
	if wide && v.advice&random == 0 {
		const size = around * mem.PageSize
		w.va = max(va&^(size-1), v.start)
		w.n = int((min(va&^(size-1)+size, v.end) - w.va) / mem.PageSize)
	}
	v.cacher.Cached(v.index(w.va), w.frames[:w.n])
	return w
}

// take returns the page of va with its reference.
func (w *window) take(va uint64) ref {
	p := &w.frames[(va-w.va)/mem.PageSize]
	f := *p
	*p = 0
	return ref(f)
}

// map_ maps the pages where nothing is mapped yet. The caller holds pt; the table
// exists.
func (w *window) map_(s *Space, v *VMA) {
	e := s.page(w.va)
	for i, f := range w.frames[:w.n] {
		if i > 0 {
			e = e.Next()
		}
		if f != 0 && !e.Load().Mapped() {
			w.frames[i] = 0
			s.set(v, e, f, v.shared && !v.tracks, false)
		}
	}
}

func (w *window) drop() {
	for _, f := range w.frames[:w.n] {
		if f != 0 {
			f.Unref()
		}
	}
}

// growStack extends a mapping that grows down to va, where that is allowed; errAgain
// then.
func (s *Space) growStack(va uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.vmas.from(va)
	if v == nil || va < minAddr {
		return unix.EFAULT
	}
	if v.start <= va {
		return errAgain
	}
	if !v.growsDown || v.end-va > s.limit(unix.RLIMIT_STACK) || !s.fits(&v.attributes, v.start-va, 0) {
		return unix.EFAULT
	}
	if b := v.before; b != nil && (va < b.end || b.prot != 0 && !b.growsDown && va < b.end+guardGap) {
		return unix.EFAULT
	}
	s.count(v, v.start-va, 1)
	v.setStart(va)
	return errAgain
}
