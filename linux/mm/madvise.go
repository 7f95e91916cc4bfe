package mm

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// Madvise is madvise(2) on [addr, addr+n). As on Linux, advice goes to every mapping of
// the range, and holes make the answer ENOMEM only afterwards. Memory is neither swapped,
// merged nor made of huge pages, so advice about that is what a kernel without those says
// to it: EINVAL to what it does not know, and nothing done for mere hints.
func (s *Space) Madvise(addr user.Addr, n uint64, behavior int) error {
	var gone []*VMA
	var visit func(v *VMA, from, to uint64) error
	set := func(on, off advice) func(*VMA, uint64, uint64) error {
		return func(v *VMA, from, to uint64) error { return s.advise(v, from, to, on, off, &gone) }
	}
	// drop drops pages, but not of mappings whose pages are to stay.
	drop := func(stay advice, anonymous bool) func(*VMA, uint64, uint64) error {
		return func(v *VMA, from, to uint64) error {
			if v.advice&stay != 0 || anonymous && v.obj != nil {
				return unix.EINVAL
			}
			s.dontNeed(v, from, to)
			return nil
		}
	}
	switch behavior {
	case unix.MADV_NORMAL:
		visit = set(0, random|sequential)
	case unix.MADV_RANDOM:
		visit = set(random, sequential)
	case unix.MADV_SEQUENTIAL:
		visit = set(sequential, random)
	case unix.MADV_WILLNEED:
		visit = func(*VMA, uint64, uint64) error { return nil }
	case unix.MADV_COLD, unix.MADV_PAGEOUT:
		visit = func(v *VMA, _, _ uint64) error {
			if v.advice&locked != 0 {
				return unix.EINVAL
			}
			return nil
		}
	case unix.MADV_DONTNEED:
		visit = drop(locked, false)
	case unix.MADV_DONTNEED_LOCKED:
		visit = drop(0, false)
	case unix.MADV_FREE:
		visit = drop(locked, true) // a page that may be freed later may be freed at once
	case unix.MADV_REMOVE:
		return s.punch(addr, n)
	case unix.MADV_DONTFORK:
		visit = set(dontFork, 0)
	case unix.MADV_DOFORK:
		visit = set(0, dontFork)
	case unix.MADV_WIPEONFORK:
		visit = func(v *VMA, from, to uint64) error {
			if v.obj != nil {
				return unix.EINVAL
			}
			return s.advise(v, from, to, wipeOnFork, 0, &gone)
		}
	case unix.MADV_KEEPONFORK:
		visit = set(0, wipeOnFork)
	case unix.MADV_DONTDUMP:
		visit = set(dontDump, 0)
	case unix.MADV_DODUMP:
		visit = set(0, dontDump)
	case unix.MADV_POPULATE_READ, unix.MADV_POPULATE_WRITE:
	default:
		return unix.EINVAL
	}
	from, to, err := adviseRange(addr, n)
	if err != nil || from == to {
		return err
	}
	switch behavior {
	case unix.MADV_POPULATE_READ:
		return s.populate(from, to, machine.Read)
	case unix.MADV_POPULATE_WRITE:
		return s.populate(from, to, machine.Write)
	}
	s.mu.Lock()
	err = s.visit(from, to, visit)
	s.mu.Unlock()
	release(gone)
	return err
}

// adviseRange checks the range of a madvise.
func adviseRange(addr user.Addr, n uint64) (from, to uint64, err error) {
	from, size := uint64(addr), align(n)
	if from%mem.PageSize != 0 || n != 0 && size == 0 || from+size < from {
		return 0, 0, unix.EINVAL
	}
	return from, from + size, nil
}

// visit calls do for the part of each mapping in [from, to), until it fails; ENOMEM
// where a part is not mapped. do may split the mapping. The caller holds mu.
func (s *Space) visit(from, to uint64, do func(v *VMA, from, to uint64) error) (err error) {
	for from < to {
		v := s.vmas.from(from)
		if v == nil || v.start >= to {
			return unix.ENOMEM
		}
		if v.start > from {
			err, from = unix.ENOMEM, v.start
		}
		end := min(v.end, to)
		if err := do(v, from, end); err != nil {
			return err
		}
		from = end
	}
	return err
}

// advise changes advice about [from, to), which lies in v. The caller holds mu for
// writing, and releases gone.
func (s *Space) advise(v *VMA, from, to uint64, on, off advice, gone *[]*VMA) error {
	if v.advice&(on|off) == on {
		return nil
	}
	if (v.start < from || v.end > to) && s.vmas.n >= maxMaps {
		return unix.ENOMEM
	}
	v = s.isolate(from, to)
	v.advice = v.advice&^off | on
	s.join(to, gone)
	s.join(from, gone)
	return nil
}

// dontNeed drops the pages of [from, to), which lies in v.
func (s *Space) dontNeed(v *VMA, from, to uint64) {
	z := zap{s: s}
	z.drop(v, from, to, true)
	z.finish()
}

// populate faults [from, to) in: EFAULT for SIGBUS, ENOMEM where nothing is mapped or it
// may not be accessed so.
func (s *Space) populate(from, to uint64, access machine.Access) error {
	for va := from; va < to; va += mem.PageSize {
		if va >= pgtable.UserEnd {
			return unix.ENOMEM
		}
		switch err := s.touch(va, access); err {
		case nil:
		case unix.ENXIO:
			return unix.EFAULT
		case unix.EACCES:
			return unix.EINVAL
		default:
			return unix.ENOMEM
		}
	}
	return nil
}

// punch makes a hole in the objects behind [addr, addr+n): MADV_REMOVE.
func (s *Space) punch(addr user.Addr, n uint64) error {
	from, to, err := adviseRange(addr, n)
	if err != nil {
		return err
	}
	for from < to {
		s.mu.RLock()
		v := s.find(from)
		if v == nil {
			s.mu.RUnlock()
			return unix.ENOMEM
		}
		p, ok := v.obj.(Puncher)
		may := v.shared && v.prot&unix.PROT_WRITE != 0
		stay := v.advice&locked != 0
		end, off, file := min(v.end, to), int64(v.index(from)<<mem.PageShift), v.file
		if file != nil {
			file.MapRef() // the object stays for as long
		}
		s.mu.RUnlock()
		switch {
		case !ok, stay:
			err = unix.EINVAL
		case !may:
			err = unix.EACCES
		default:
			err = p.Punch(off, int64(end-from))
		}
		if file != nil {
			file.MapUnref()
		}
		if err != nil {
			return err
		}
		from = end
	}
	return nil
}
