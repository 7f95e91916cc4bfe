package mm

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine/mem"
)

// SetOwner says whose the space is: a process's ID in the initial PID namespace. Objects
// that keep account of who maps them ask VMA.Owner.
func (s *Space) SetOwner(pid int32) { s.owner.Store(pid) }

// Owner is the process whose space v is in: 0 before somebody has said.
func (v *VMA) Owner() int32 { return v.space.owner.Load() }

// Segment is an Object of a fixed size that is attached and detached as a whole:
// System V shared memory.
type Segment interface {
	Object
	Bytes() uint64
}

// DetachSegment unmaps what is left of the segment that was attached at addr: shmdt(2).
// EINVAL where there is none.
func (s *Space) DetachSegment(addr user.Addr) error {
	if addr%mem.PageSize != 0 {
		return unix.EINVAL
	}
	type part struct{ start, end uint64 }
	var parts []part
	s.mu.RLock()
	var found Segment
	for v := s.vmas.first; v != nil; v = v.after {
		seg, ok := v.obj.(Segment)
		if !ok || v.start < uint64(addr) || v.start-v.off<<mem.PageShift != uint64(addr) {
			continue
		}
		if found == nil {
			found = seg
		}
		if seg == found && v.start < uint64(addr)+align(seg.Bytes()) {
			parts = append(parts, part{v.start, v.end})
		}
	}
	s.mu.RUnlock()
	if found == nil {
		return unix.EINVAL
	}
	for _, p := range parts {
		if err := s.Munmap(user.Addr(p.start), p.end-p.start); err != nil {
			return err
		}
	}
	return nil
}
