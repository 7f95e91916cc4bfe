package mm

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// Aligned 32-bit words, which futexes read and change at once, as programs do.

// tryWord calls do with the word at a, if its page is there for access.
func (s *Space) tryWord(a user.Addr, access machine.Access, do func(*atomic.Uint32)) bool {
	va := uint64(a)
	if va >= pgtable.UserEnd || va%4 != 0 {
		return false
	}
	s.pt.Lock()
	defer s.pt.Unlock()
	e := s.page(va)
	if e == nil {
		return false
	}
	x := e.Load()
	if !x.Writable() && (!x.Present() || access == machine.Write) {
		return false
	}
	do(x.Frame().Word(int(va % mem.PageSize)))
	return true
}

// word is tryWord that faults the page in. Its errors are Fault's.
func (s *Space) word(a user.Addr, access machine.Access, do func(*atomic.Uint32)) error {
	for !s.tryWord(a, access, do) {
		if a%4 != 0 {
			return unix.EFAULT
		}
		if err := s.Fault(a, access); err != nil {
			return err
		}
	}
	return nil
}

// efault is what a system call answers where memory that it needs cannot be had.
func efault(err error) error {
	if err != nil {
		return unix.EFAULT
	}
	return nil
}

// LoadWord reads a word; EFAULT where that is not possible.
func (s *Space) LoadWord(a user.Addr) (v uint32, err error) {
	err = s.word(a, machine.Read, func(w *atomic.Uint32) { v = w.Load() })
	return v, efault(err)
}

// CompareAndSwapWord replaces old by new, and reports whether it did.
func (s *Space) CompareAndSwapWord(a user.Addr, old, new uint32) (swapped bool, err error) {
	err = s.word(a, machine.Write, func(w *atomic.Uint32) { swapped = w.CompareAndSwap(old, new) })
	return swapped, efault(err)
}

// TryLoadWord and TryCompareAndSwapWord do the same without faulting: ok is false where
// FaultWord has to come first. Callers may hold locks that a fault may not be taken under.
func (s *Space) TryLoadWord(a user.Addr) (v uint32, ok bool) {
	ok = s.tryWord(a, machine.Read, func(w *atomic.Uint32) { v = w.Load() })
	return v, ok
}

func (s *Space) TryCompareAndSwapWord(a user.Addr, old, new uint32) (swapped, ok bool) {
	ok = s.tryWord(a, machine.Write, func(w *atomic.Uint32) { swapped = w.CompareAndSwap(old, new) })
	return swapped, ok
}

// FaultWord brings the page of a word in; EFAULT where the program could not use it so.
func (s *Space) FaultWord(a user.Addr, access machine.Access) error {
	return efault(s.word(a, access, nothing))
}

func nothing(*atomic.Uint32) {}

// FutexKey names a futex: two addresses that are the same word have the same key.
type FutexKey struct {
	Owner  any // the Space, or the Object of a shared mapping
	Offset uint64
}

// FutexKey returns the key of the word at a; shared looks behind shared mappings.
func (s *Space) FutexKey(a user.Addr, shared bool) (FutexKey, error) {
	if uint64(a) >= pgtable.UserEnd {
		return FutexKey{}, unix.EFAULT
	}
	if shared {
		s.mu.RLock()
		defer s.mu.RUnlock()
		v := s.find(uint64(a))
		if v == nil {
			return FutexKey{}, unix.EFAULT
		}
		if v.shared {
			return FutexKey{v.obj, v.index(uint64(a))<<mem.PageShift | uint64(a)%mem.PageSize}, nil
		}
	}
	return FutexKey{s, uint64(a)}, nil
}
