package mm

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// Peek and Poke copy from and to memory past its protection, as a debugger does (ptrace(2),
// /proc/PID/mem): what cannot be read is read, and what is private is copied before it is
// written. EFAULT where nothing is mapped, and for writing to a shared mapping that does
// not allow it; the number of bytes before.
func (s *Space) Peek(p []byte, at user.Addr) (int, error) { return s.force(p, at, false) }
func (s *Space) Poke(at user.Addr, p []byte) (int, error) { return s.force(p, at, true) }

func (s *Space) force(p []byte, at user.Addr, out bool) (n int, err error) {
	access := machine.Read
	if out {
		access = machine.Write
	}
	for n < len(p) {
		va := uint64(at) + uint64(n)
		if va >= pgtable.UserEnd {
			return n, unix.EFAULT
		}
		k := min(len(p)-n, int(mem.PageSize-va%mem.PageSize))
		if !s.forceIn(p[n:n+k], va, out) {
			f := fault{s: s, va: va &^ (mem.PageSize - 1), access: access, write: out, force: true}
			if f.repair() != nil {
				return n, unix.EFAULT
			}
			continue
		}
		n += k
	}
	return n, nil
}

// forceIn copies within one page, if that is mapped, and for a write if it is writable or a
// private copy that nobody shares.
func (s *Space) forceIn(p []byte, va uint64, out bool) bool {
	s.pt.Lock()
	defer s.pt.Unlock()
	e := s.page(va)
	if e == nil {
		return false
	}
	x := e.Load()
	switch {
	case !x.Mapped():
		return false
	case !out:
		copy(p, x.Frame().Data()[va%mem.PageSize:])
		return true
	case !x.Writable() && (!x.Own() || x.Frame() == zeroFrame() || x.Frame().Refs() != 1):
		return false
	}
	copy(x.Frame().Data()[va%mem.PageSize:], p)
	if x.Executable() {
		s.m.SyncCode(x.Frame())
	}
	return true
}
