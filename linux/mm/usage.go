package mm

import (
	"golang.org/x/sys/unix"

	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// Limits, for /proc/sys/vm.
const (
	MaxMaps = maxMaps
	MinAddr = minAddr
)

// SpaceUsage is the usage of an address space, in pages but for Total, for /proc/PID/status and statm.
type SpaceUsage struct {
	Total, Peak             uint64 // bytes of all mappings, now and at most
	Resident, PeakResident  int    // pages mapped
	Anonymous, File, Shared int    // what Resident consists of: private copies, files, shared memory
	Data, Stack, Executable uint64 // pages of private writable, of stack and of executable mappings
	Tables                  int    // frames of page tables
	Heap                    uint64 // where the heap begins
}

// MapUsage is one mapping's, in bytes, for /proc/PID/smaps.
type MapUsage struct {
	MapInfo
	Resident, Proportional      uint64
	SharedClean, SharedDirty    uint64
	PrivateClean, PrivateDirty  uint64
	Anonymous                   uint64
	ProportionalDirty           uint64
	GrowsDown, MayShareWrites   bool
	DontFork, WipeOnFork        bool
	DontDump, RandomRead, Sweep bool // Sweep: it is read from start to end
}

// Usages returns what each mapping uses.
func (s *Space) Usages() []MapUsage {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]MapUsage, 0, len(s.vmas))
	for _, v := range s.vmas {
		u := MapUsage{
			MapInfo: v.info(), GrowsDown: v.growsDown, MayShareWrites: v.maySharedWrite,
			DontFork: v.advice&dontFork != 0, WipeOnFork: v.advice&wipeOnFork != 0, DontDump: v.advice&dontDump != 0,
			RandomRead: v.advice&random != 0, Sweep: v.advice&sequential != 0,
		}
		s.resident(v, func(_ uint64, x pgtable.Value, anonymous bool) { u.count(v, x, anonymous) })
		out = append(out, u)
	}
	return out
}

// count adds one mapped page. A frame of an object has a reference of the object's,
// which is no mapping.
func (u *MapUsage) count(v *VMA, x pgtable.Value, anonymous bool) {
	sharers := x.Frame().Refs()
	dirty := anonymous
	if !anonymous {
		sharers--
		dirty = v.shared && x.Writable()
	}
	sharers = max(sharers, 1)
	u.Resident += mem.PageSize
	u.Proportional += mem.PageSize / uint64(sharers)
	if anonymous {
		u.Anonymous += mem.PageSize
	}
	if dirty {
		u.ProportionalDirty += mem.PageSize / uint64(sharers)
	}
	switch {
	case sharers > 1 && dirty:
		u.SharedDirty += mem.PageSize
	case sharers > 1:
		u.SharedClean += mem.PageSize
	case dirty:
		u.PrivateDirty += mem.PageSize
	default:
		u.PrivateClean += mem.PageSize
	}
}

// resident calls do for each page of v that is mapped; anonymous says that it is no
// page of v's object. The caller holds mu.
func (s *Space) resident(v *VMA, do func(va uint64, x pgtable.Value, anonymous bool)) {
	var frames [64]mem.Frame
	cache, _ := v.obj.(Cacher)
	for from := v.start; from < v.end; {
		to := v.end
		if cache != nil && !v.shared {
			to = min(to, from+uint64(len(frames))<<mem.PageShift)
			if !s.any(from, to) {
				from = to
				continue
			}
			cache.Cached(v.index(from), frames[:(to-from)>>mem.PageShift])
		}
		s.pt.Lock()
		s.hw.Range(from, to, func(va uint64, e *pgtable.Entry) bool {
			x := e.Load()
			if !x.Mapped() || x.Frame() == zeroFrame() {
				return true
			}
			anonymous := v.obj == nil
			if cache != nil && !v.shared {
				anonymous = x.Frame() != frames[(va-from)>>mem.PageShift]
			}
			do(va, x, anonymous)
			return true
		})
		s.pt.Unlock()
		for i, f := range frames {
			if f != 0 {
				f.Unref()
				frames[i] = 0
			}
		}
		from = to
	}
}

// any reports whether an entry of [from, to) maps something.
func (s *Space) any(from, to uint64) (found bool) {
	s.pt.Lock()
	defer s.pt.Unlock()
	s.hw.Range(from, to, func(_ uint64, e *pgtable.Entry) bool {
		found = e.Load().Mapped()
		return !found
	})
	return found
}

// SpaceUsage adds up what the space uses.
func (s *Space) SpaceUsage() (u SpaceUsage) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	u.Total, u.Peak, u.Heap = s.total, max(s.total, s.peak), s.brkStart
	last := [pgtable.Levels]uint64{} // the table of each level that the last page is in
	for level := range last {
		last[level] = ^uint64(0)
	}
	for _, v := range s.vmas {
		pages := (v.end - v.start) >> mem.PageShift
		switch {
		case v.growsDown:
			u.Stack += pages
		case v.prot&unix.PROT_WRITE != 0 && !v.shared:
			u.Data += pages
		case v.prot&unix.PROT_EXEC != 0:
			u.Executable += pages
		}
		s.resident(v, func(va uint64, _ pgtable.Value, anonymous bool) {
			for level := range last {
				if at := va >> (mem.PageShift + 9*(level+1)); at != last[level] {
					last[level] = at
					u.Tables++
				}
			}
			switch {
			case anonymous:
				u.Anonymous++
			case v.file == nil:
				u.Shared++
			default:
				u.File++
			}
		})
	}
	u.Resident = u.Anonymous + u.File + u.Shared
	s.pt.Lock()
	u.PeakResident = max(s.mapped, s.peakMapped)
	s.pt.Unlock()
	u.PeakResident = max(u.PeakResident, u.Resident)
	return u
}
