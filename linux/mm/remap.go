package mm

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// Mremap changes the size or the place of the mapping of [addr, addr+n): mremap(2). to is
// where it goes with MREMAP_FIXED, and a hint with MREMAP_DONTUNMAP. may says that
// RLIMIT_MEMLOCK does not apply.
func (s *Space) Mremap(addr user.Addr, n, size uint64, flags int, to user.Addr, may bool) (user.Addr, error) {
	const fixed, move, keep = unix.MREMAP_FIXED, unix.MREMAP_MAYMOVE, unix.MREMAP_DONTUNMAP
	if flags&^(fixed|move|keep) != 0 || flags&fixed != 0 && flags&move == 0 ||
		flags&keep != 0 && (flags&move == 0 || n != size) || addr%mem.PageSize != 0 {
		return 0, unix.EINVAL
	}
	if n, size = align(n), align(size); size == 0 {
		return 0, unix.EINVAL
	}
	var r remap
	s.mu.Lock()
	at, err := r.do(s, uint64(addr), n, size, flags, uint64(to), may)
	s.mu.Unlock()
	release(r.gone)
	if err == nil && r.populate != 0 {
		s.Populate(user.Addr(at+size-r.populate), r.populate)
	}
	return user.Addr(at), err
}

// remap is a call of Mremap under way.
type remap struct {
	gone     []*VMA
	populate uint64 // bytes at the end to fault in, of a mapping that is locked
}

func (r *remap) do(s *Space, from, n, size uint64, flags int, to uint64, may bool) (uint64, error) {
	v := s.find(from)
	if v == nil {
		return 0, unix.EFAULT
	}
	if flags&(unix.MREMAP_FIXED|unix.MREMAP_DONTUNMAP) != 0 {
		return r.moveTo(s, from, n, size, flags, to, may)
	}
	if n >= size {
		if n > size {
			r.gone = append(r.gone, s.remove(from+size, from+n)...)
		}
		return from, nil
	}
	if err := s.mayResize(v, from, n, size, may); err != nil {
		return 0, err
	}
	if n == v.end-from && from+size <= pgtable.UserEnd && (v.after == nil || from+size <= v.after.high()) {
		s.count(v, size-n, 1)
		v.setEnd(from + size)
		if v.advice&(locked|onFault) == locked {
			r.populate = size - n
		}
		s.join(v.end, &r.gone)
		return from, nil
	}
	if flags&unix.MREMAP_MAYMOVE == 0 {
		return 0, unix.ENOMEM
	}
	at, ok := s.place(0, size, false)
	if !ok {
		return 0, unix.ENOMEM
	}
	return r.move(s, v, from, n, size, at, false)
}

// mayResize checks that [from, from+n), which begins in v, can become size bytes long.
func (s *Space) mayResize(v *VMA, from, n, size uint64, may bool) error {
	switch {
	case n == 0 && !v.shared:
		return unix.EINVAL
	case n > v.end-from:
		return unix.EFAULT
	case size == n:
		return nil
	case v.index(from)+size>>mem.PageShift < v.index(from):
		return unix.EINVAL
	case size > n && v.advice&locked != 0 && !s.lockFits(size-n, may):
		return unix.EAGAIN
	case size > n && !s.fits(&v.attributes, size-n, 0):
		return unix.ENOMEM
	}
	return nil
}

// moveTo is do for a place that the program names, or with MREMAP_DONTUNMAP may.
func (r *remap) moveTo(s *Space, from, n, size uint64, flags int, to uint64, may bool) (uint64, error) {
	switch {
	case to%mem.PageSize != 0, size > pgtable.UserEnd, to > pgtable.UserEnd-size, from+n > to && to+size > from:
		return 0, unix.EINVAL
	case s.vmas.n+2 >= maxMaps-3:
		return 0, unix.ENOMEM
	}
	if flags&unix.MREMAP_FIXED != 0 {
		if to < minAddr {
			return 0, unix.EPERM
		}
		r.gone = append(r.gone, s.remove(to, to+size)...)
	}
	if n > size {
		r.gone = append(r.gone, s.remove(from+size, from+n)...)
		n = size
	}
	v := s.find(from)
	if v == nil {
		return 0, unix.EFAULT
	}
	if err := s.mayResize(v, from, n, size, may); err != nil {
		return 0, err
	}
	keep := flags&unix.MREMAP_DONTUNMAP != 0
	if keep && !s.fits(&v.attributes, size, 0) {
		return 0, unix.ENOMEM
	}
	if flags&unix.MREMAP_FIXED == 0 {
		var ok bool
		if to, ok = s.place(to, size, false); !ok {
			return 0, unix.ENOMEM
		}
	}
	return r.move(s, v, from, n, size, to, keep)
}

// move makes a mapping of size bytes at to, which is free, with the pages of [from,
// from+n), which is in v. The old mapping goes, unless it is to be kept empty, or was to
// be shown twice (n is 0).
func (r *remap) move(s *Space, v *VMA, from, n, size, to uint64, keep bool) (uint64, error) {
	if s.vmas.n >= maxMaps-3 {
		return 0, unix.ENOMEM
	}
	w := v.clone(from, from+size)
	w.start, w.end = to, to+size
	if v.advice&(locked|onFault) == locked {
		r.populate = size - n
	}
	s.add(w)
	s.count(w, size, 1)
	if n > 0 {
		if err := s.movePages(v, w, from, from+n, to); err != nil {
			r.gone = append(r.gone, s.remove(to, to+size)...)
			return 0, err
		}
		if keep {
			if v.advice&locked != 0 {
				s.lockVMAs(from, from+n, 0, &r.gone)
			}
		} else {
			r.gone = append(r.gone, s.remove(from, from+n)...)
		}
	}
	s.join(to+size, &r.gone)
	s.join(to, &r.gone)
	return to, nil
}

// movePages moves the entries of [from, end), which is in v, to at, which is in w. When no
// table can be had, it moves back what it has moved.
func (s *Space) movePages(v, w *VMA, from, end, at uint64) (err error) {
	s.pt.Lock()
	defer s.pt.Unlock()
	// A truncation that has looked at v already must look at w: it starts over, since w
	// has been attached meanwhile. A fault that looked at v must look again.
	s.gen++
	w.copied = w.copied || v.copied
	low, high := uint64(0), uint64(0)
	s.hw.Range(from, end, func(va uint64, e *pgtable.Entry) bool {
		if !e.Load().Mapped() {
			return true
		}
		var to *pgtable.Entry
		if to, err = s.hw.MakePage(va - from + at); err != nil {
			return false
		}
		to.SetValue(e.Clear())
		if low == high {
			low = va
		}
		high = va + mem.PageSize
		return true
	})
	if err != nil {
		s.hw.Range(at, at+(end-from), func(va uint64, e *pgtable.Entry) bool {
			if x := e.Load(); x.Mapped() {
				s.hw.Page(va - at + from).SetValue(e.Clear())
			}
			return true
		})
		s.m.FlushTLB(s.hw, at, at+(end-from))
	}
	if low != high {
		s.m.FlushTLB(s.hw, low, high)
	}
	return err
}

// Mincore tells, from addr on, which pages are in memory: one byte for each in out,
// mincore(2). It returns how many it could tell; ENOMEM where nothing is mapped.
func (s *Space) Mincore(addr user.Addr, out []byte) (n int, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for n < len(out) {
		va := uint64(addr) + uint64(n)<<mem.PageShift
		v := s.find(va)
		if v == nil {
			return n, unix.ENOMEM
		}
		k := n + min(len(out)-n, int((v.end-va)>>mem.PageShift))
		s.residency(v, va, out[n:k])
		n = k
	}
	return n, nil
}

// residency fills out for the pages of v from va on.
func (s *Space) residency(v *VMA, va uint64, out []byte) {
	clear(out)
	s.pt.Lock()
	s.hw.Range(va, va+uint64(len(out))<<mem.PageShift, func(at uint64, e *pgtable.Entry) bool {
		if e.Load().Mapped() {
			out[(at-va)>>mem.PageShift] = 1
		}
		return true
	})
	s.pt.Unlock()
	if v.cacher == nil {
		return
	}
	for i := range out {
		if out[i] == 0 && v.cacher.InCore(v.index(va)+uint64(i)) {
			out[i] = 1
		}
	}
}

// Msync writes back what shared mappings of files have changed in [addr, addr+n):
// msync(2). ENOMEM where a part is not mapped, EBUSY to invalidate what is locked.
func (s *Space) Msync(addr user.Addr, n uint64, flags int) error {
	if flags&^(unix.MS_ASYNC|unix.MS_INVALIDATE|unix.MS_SYNC) != 0 || addr%mem.PageSize != 0 ||
		flags&unix.MS_ASYNC != 0 && flags&unix.MS_SYNC != 0 {
		return unix.EINVAL
	}
	from := uint64(addr)
	to := from + align(n)
	if to < from {
		return unix.ENOMEM
	}
	var hole error
	for from < to {
		s.mu.RLock()
		v := s.vmas.from(from)
		if v == nil || v.start >= to {
			s.mu.RUnlock()
			return unix.ENOMEM
		}
		if v.start > from {
			hole, from = unix.ENOMEM, v.start
		}
		if flags&unix.MS_INVALIDATE != 0 && v.advice&locked != 0 {
			s.mu.RUnlock()
			return unix.EBUSY
		}
		end := min(to, v.end)
		syncer, _ := v.obj.(Syncer)
		first, last, file := v.index(from), v.index(end), v.file
		if !v.shared || flags&unix.MS_SYNC == 0 {
			syncer = nil
		}
		if syncer != nil && file != nil {
			file.MapRef() // the object stays for as long
		}
		s.mu.RUnlock()
		if syncer != nil {
			err := syncer.Sync(first, last)
			if file != nil {
				file.MapUnref()
			}
			if err != nil {
				return err
			}
		}
		from = end
	}
	return hole
}
