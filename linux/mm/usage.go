package mm

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// counters are what a space has, in pages. The sizes change with mu held for writing,
// what is resident with pt held; anybody reads them without.
type counters struct {
	total, data, stack, code, locked atomic.Int64
	anon, file, shmem                atomic.Int64
	peak, peakResident               atomic.Int64
}

// Limits, for /proc/sys/vm.
const (
	MaxMaps = maxMaps
	MinAddr = minAddr
)

// SpaceUsage is the usage of an address space, in pages but for the first two, for
// /proc/PID/status and statm.
type SpaceUsage struct {
	Total, Peak             uint64 // bytes of all mappings, now and at most
	Resident, PeakResident  int    // pages mapped
	Anonymous, File, Shared int    // what Resident consists of: private copies, files, shared memory
	Data, Stack, Executable uint64 // pages of private writable, of stack and of executable mappings
	Locked                  uint64
	Tables                  int    // frames of page tables
	Heap                    uint64 // where the heap begins
}

// SpaceUsage adds up what the space uses.
func (s *Space) SpaceUsage() SpaceUsage {
	c := &s.counters
	pages := func(n *atomic.Int64) uint64 { return uint64(n.Load()) }
	u := SpaceUsage{
		Total: pages(&c.total) << mem.PageShift, Peak: pages(&c.peak) << mem.PageShift,
		Anonymous: int(c.anon.Load()), File: int(c.file.Load()), Shared: int(c.shmem.Load()),
		Data: pages(&c.data), Stack: pages(&c.stack), Executable: pages(&c.code), Locked: pages(&c.locked),
	}
	u.Resident = u.Anonymous + u.File + u.Shared
	u.PeakResident = max(int(c.peakResident.Load()), u.Resident)
	s.mu.RLock()
	defer s.mu.RUnlock()
	u.Heap, u.Tables = s.brkStart, s.tables()
	return u
}

// tables counts the page tables below the top level. The caller holds mu.
func (s *Space) tables() (n int) {
	var end [pgtable.Levels]uint64 // where the table of each level that was counted last ends
	s.pt.Lock()
	defer s.pt.Unlock()
	for v := s.vmas.first; v != nil; v = v.after {
		for va := v.start; va < v.end; {
			_, level := s.hw.Slot(va)
			for l := level; l < pgtable.Levels-1; l++ {
				if size := uint64(1) << (mem.PageShift + 9*(l+1)); va >= end[l] {
					end[l] = va&^(size-1) + size
					n++
				}
			}
			step := uint64(1) << (mem.PageShift + 9*max(level, 1))
			va = va&^(step-1) + step
		}
	}
	return n
}

// Usage returns the bytes of all mappings and the pages that are mapped now.
func (s *Space) Usage() (total uint64, resident int) {
	c := &s.counters
	return uint64(c.total.Load()) << mem.PageShift, int(c.anon.Load() + c.file.Load() + c.shmem.Load())
}

// PeakResident is the most bytes that were mapped at a time.
func (s *Space) PeakResident() uint64 {
	c := &s.counters
	return uint64(max(c.peakResident.Load(), c.anon.Load()+c.file.Load()+c.shmem.Load())) << mem.PageShift
}

// resident counts n pages that v maps. The caller holds pt.
func (s *Space) resident(v *VMA, own bool, n int64) {
	c := &s.counters
	if n < 0 {
		if now := c.anon.Load() + c.file.Load() + c.shmem.Load(); now > c.peakResident.Load() {
			c.peakResident.Store(now)
		}
	}
	switch {
	case own:
		c.anon.Add(n)
	case v.inMemory:
		c.shmem.Add(n)
	default:
		c.file.Add(n)
	}
}

// The kinds of mappings that Linux counts apart (proc(5), VmData, VmStk, VmExe).
func (a *attributes) isStack() bool { return a.growsDown }
func (a *attributes) isData() bool {
	return a.prot&unix.PROT_WRITE != 0 && !a.shared && !a.growsDown
}
func (a *attributes) isCode() bool {
	return a.prot&(unix.PROT_EXEC|unix.PROT_WRITE) == unix.PROT_EXEC && !a.growsDown
}

// count adds (sign 1) or takes away (-1) n bytes of a VMA with v's attributes. The caller
// holds mu for writing.
func (s *Space) count(v *VMA, n uint64, sign int64) {
	c := &s.counters
	pages := int64(n>>mem.PageShift) * sign
	if now := c.total.Add(pages); now > c.peak.Load() {
		c.peak.Store(now)
	}
	s.countKinds(v, pages)
	if v.advice&locked != 0 {
		c.locked.Add(pages)
	}
}

// countKinds counts pages where v's protection says.
func (s *Space) countKinds(v *VMA, pages int64) {
	c := &s.counters
	switch {
	case v.isStack():
		c.stack.Add(pages)
	case v.isData():
		c.data.Add(pages)
	case v.isCode():
		c.code.Add(pages)
	}
}

// promised are mappings whose memory Linux counts on being needed: where one of them is
// larger than the machine's memory, it fails at once (overcommit_memory 0, proc(5)).
func (a *attributes) promised() bool {
	return a.prot&unix.PROT_WRITE != 0 && !a.shared && !a.noReserve
}

// fits reports whether n more bytes of a VMA with these attributes are within RLIMIT_AS
// and, where they are data, RLIMIT_DATA, when gone bytes go at the same time, and whether
// there may be so much memory. The caller holds mu.
func (s *Space) fits(a *attributes, n, gone uint64) bool {
	return s.within(&s.counters.total, unix.RLIMIT_AS, n, gone) && s.dataFits(a, n, gone)
}

// dataFits is fits for pages that are mapped already, and become what a says.
func (s *Space) dataFits(a *attributes, n, gone uint64) bool {
	return (!a.promised() || n <= s.m.Info().Memory) &&
		(!a.isData() || s.within(&s.counters.data, unix.RLIMIT_DATA, n, gone))
}

func (s *Space) within(have *atomic.Int64, resource int, n, gone uint64) bool {
	if s.limits == nil {
		return true
	}
	limit := s.limits.Limit(resource)
	now := uint64(have.Load()) << mem.PageShift
	return limit == unix.RLIM_INFINITY || now-min(now, gone)+n <= limit
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
	Locked                      bool
	DontFork, WipeOnFork        bool
	DontDump, RandomRead, Sweep bool // Sweep: it is read from start to end
}

// Usages returns what each mapping uses, in the order of their addresses.
func (s *Space) Usages() []MapUsage {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]MapUsage, 0, s.vmas.n)
	for v := s.vmas.first; v != nil; v = v.after {
		has := func(a advice) bool { return v.advice&a != 0 }
		u := MapUsage{
			MapInfo: v.info(), GrowsDown: v.growsDown, MayShareWrites: v.maySharedWrite, Locked: has(locked),
			DontFork: has(dontFork), WipeOnFork: has(wipeOnFork), DontDump: has(dontDump),
			RandomRead: has(random), Sweep: has(sequential),
		}
		s.pt.Lock()
		s.hw.Range(v.start, v.end, func(_ uint64, e *pgtable.Entry) bool {
			if x := e.Load(); x.Mapped() && x.Frame() != zeroFrame() {
				u.add(x)
			}
			return true
		})
		s.pt.Unlock()
		out = append(out, u)
	}
	return out
}

// add counts the page of an entry. A frame of an object has a reference of the object's,
// which is no mapping.
func (u *MapUsage) add(x pgtable.Value) {
	sharers := x.Frame().Refs()
	dirty := x.Own()
	if !x.Own() {
		sharers--
		dirty = u.Shared && x.Writable()
	}
	sharers = max(sharers, 1)
	u.Resident += mem.PageSize
	u.Proportional += mem.PageSize / uint64(sharers)
	if x.Own() {
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
