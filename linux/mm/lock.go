package mm

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine/mem"
)

// Memory that stays: mlock(2). Nothing is ever paged out, so a lock is a promise that is
// kept anyway; what programs see of it are pages that are there at once, limits, and
// calls that would drop pages and refuse.

// canLock reports whether there may be locked memory at all. The caller holds mu.
func (s *Space) canLock(may bool) bool { return may || s.limit(unix.RLIMIT_MEMLOCK) != 0 }

// lockFits reports whether n more bytes may be locked. The caller holds mu.
func (s *Space) lockFits(n uint64, may bool) bool {
	limit := s.limit(unix.RLIMIT_MEMLOCK)
	return may || limit == unix.RLIM_INFINITY || uint64(s.counters.locked.Load())<<mem.PageShift+n <= limit
}

// Mlock locks the pages of [addr, addr+n): mlock2(2). may says that RLIMIT_MEMLOCK does
// not apply (CAP_IPC_LOCK). With lazy they come when they are used (MLOCK_ONFAULT). ENOMEM
// over the limit or where a part is not mapped; what comes before it is locked. EAGAIN
// where memory is short.
func (s *Space) Mlock(addr user.Addr, n uint64, lazy, may bool) error {
	on := locked
	if lazy {
		on |= onFault
	}
	from, to, err := lockRange(addr, n)
	s.mu.Lock()
	if !s.canLock(may) {
		s.mu.Unlock()
		return unix.EPERM
	}
	if err != nil || from == to {
		s.mu.Unlock()
		return err
	}
	again := uint64(0)
	s.visit(from, to, func(v *VMA, from, to uint64) error {
		if v.advice&locked != 0 {
			again += to - from
		}
		return nil
	})
	if !s.lockFits(to-from-again, may) {
		s.mu.Unlock()
		return unix.ENOMEM
	}
	var gone []*VMA
	err = s.lockVMAs(from, to, on, &gone)
	s.mu.Unlock()
	release(gone)
	if err != nil || lazy {
		return err
	}
	switch err := s.Populate(user.Addr(from), to-from); err {
	case nil:
		return nil
	case unix.ENOMEM:
		return unix.EAGAIN
	default:
		return unix.ENOMEM
	}
}

// Munlock undoes Mlock: munlock(2).
func (s *Space) Munlock(addr user.Addr, n uint64) error {
	from, to, err := lockRange(addr, n)
	if err != nil || from == to {
		return err
	}
	var gone []*VMA
	s.mu.Lock()
	err = s.lockVMAs(from, to, 0, &gone)
	s.mu.Unlock()
	release(gone)
	return err
}

// lockRange is the pages that hold [addr, addr+n).
func lockRange(addr user.Addr, n uint64) (from, to uint64, err error) {
	from = uint64(addr) &^ (mem.PageSize - 1)
	to = from + align(n+uint64(addr)%mem.PageSize)
	if to < from {
		return 0, 0, unix.EINVAL
	}
	return from, to, nil
}

// lockVMAs gives [from, to) the locks on, up to the first hole. The caller holds mu for
// writing, and releases gone.
func (s *Space) lockVMAs(from, to uint64, on advice, gone *[]*VMA) error {
	for from < to {
		v := s.find(from)
		if v == nil {
			return unix.ENOMEM
		}
		end := min(v.end, to)
		was := v.advice & locked
		if err := s.advise(v, from, end, on, (locked|onFault)&^on, gone); err != nil {
			return err
		}
		if pages := int64((end - from) >> mem.PageShift); on&locked != was {
			if was != 0 {
				pages = -pages
			}
			s.counters.locked.Add(pages)
		}
		from = end
	}
	return nil
}

// LockAll is mlockall(2) and, with no flags, munlockall(2). may is as for Mlock.
func (s *Space) LockAll(flags int, may bool) error {
	on := locked
	if flags&unix.MCL_ONFAULT != 0 {
		on |= onFault
	}
	var gone []*VMA
	var ranges []user.Iovec
	s.mu.Lock()
	if flags != 0 {
		if !s.canLock(may) {
			s.mu.Unlock()
			return unix.EPERM
		}
		limit := s.limit(unix.RLIMIT_MEMLOCK)
		if flags&unix.MCL_CURRENT != 0 && !may && uint64(s.counters.total.Load())<<mem.PageShift > limit {
			s.mu.Unlock()
			return unix.ENOMEM
		}
	}
	s.future, s.mayLock = 0, may
	if flags&unix.MCL_FUTURE != 0 {
		s.future = on
	}
	if flags&unix.MCL_FUTURE == 0 || flags&unix.MCL_CURRENT != 0 {
		if flags&unix.MCL_CURRENT == 0 {
			on = 0
		}
		for at := uint64(minAddr); ; {
			v := s.vmas.from(at)
			if v == nil {
				break
			}
			at = v.end
			ranges = append(ranges, user.Iovec{Base: user.Addr(v.start), Len: int(v.end - v.start)})
			s.lockVMAs(v.start, v.end, on, &gone)
		}
	}
	s.mu.Unlock()
	release(gone)
	if on&(locked|onFault) == locked {
		for _, r := range ranges {
			s.Populate(r.Base, uint64(r.Len)) // as far as possible: mlockall has no error for it
		}
	}
	return nil
}
