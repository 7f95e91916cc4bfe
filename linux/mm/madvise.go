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
	var visit func(v *VMA, from, to uint64) error
	set := func(on, off advice) func(*VMA, uint64, uint64) error {
		return func(v *VMA, from, to uint64) error { s.advise(v, from, to, on, off); return nil }
	}
	switch behavior {
	case unix.MADV_NORMAL:
		visit = set(0, random|sequential)
	case unix.MADV_RANDOM:
		visit = set(random, sequential)
	case unix.MADV_SEQUENTIAL:
		visit = set(sequential, random)
	case unix.MADV_WILLNEED, unix.MADV_COLD, unix.MADV_PAGEOUT:
		visit = func(*VMA, uint64, uint64) error { return nil }
	case unix.MADV_DONTNEED, unix.MADV_DONTNEED_LOCKED:
		visit = s.dontNeed
	case unix.MADV_FREE:
		// A page that is freed lazily may be freed at once.
		visit = func(v *VMA, from, to uint64) error {
			if v.obj != nil {
				return unix.EINVAL
			}
			return s.dontNeed(v, from, to)
		}
	case unix.MADV_REMOVE:
		return s.remove(addr, n)
	case unix.MADV_DONTFORK:
		visit = set(dontFork, 0)
	case unix.MADV_DOFORK:
		visit = set(0, dontFork)
	case unix.MADV_WIPEONFORK:
		visit = func(v *VMA, from, to uint64) error {
			if v.obj != nil {
				return unix.EINVAL
			}
			s.advise(v, from, to, wipeOnFork, 0)
			return nil
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
	defer s.mu.Unlock()
	return s.visit(from, to, visit)
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
		i := s.search(from)
		if i == len(s.vmas) || s.vmas[i].start >= to {
			return unix.ENOMEM
		}
		v := s.vmas[i]
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
// writing.
func (s *Space) advise(v *VMA, from, to uint64, on, off advice) {
	if v.advice&(on|off) == on {
		return
	}
	s.split(from)
	s.split(to)
	v = s.find(from)
	v.advice = v.advice&^off | on
	s.seq++
}

// dontNeed drops the pages of [from, to), which lies in v. The caller holds mu for
// writing.
func (s *Space) dontNeed(_ *VMA, from, to uint64) error {
	s.seq++ // faults under way must look again
	s.unmap(from, to)
	return nil
}

// populate faults [from, to) in: EFAULT for SIGBUS, ENOMEM where nothing is mapped or it
// may not be accessed so.
func (s *Space) populate(from, to uint64, access machine.Access) error {
	for va := from; va < to; va += mem.PageSize {
		if va >= pgtable.UserEnd {
			return unix.ENOMEM
		}
		switch err := s.word(user.Addr(va), access, nothing); err {
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

// remove makes a hole in the objects behind [addr, addr+n): MADV_REMOVE.
func (s *Space) remove(addr user.Addr, n uint64) error {
	from, to, err := adviseRange(addr, n)
	if err != nil {
		return err
	}
	for from < to {
		s.mu.RLock()
		i := s.search(from)
		if i == len(s.vmas) || s.vmas[i].start > from {
			s.mu.RUnlock()
			return unix.ENOMEM
		}
		v := s.vmas[i]
		end := min(v.end, to)
		p, ok := v.obj.(Puncher)
		shared := v.shared && v.prot&unix.PROT_WRITE != 0
		off, file := int64(v.index(from)<<mem.PageShift), v.file
		if ok && shared && file != nil {
			file.MapRef()
		}
		s.mu.RUnlock()
		switch {
		case !ok:
			return unix.EINVAL
		case !shared:
			return unix.EACCES
		}
		err := p.Punch(off, int64(end-from))
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
