package mm

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/user"
	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// Request is a mapping to make: the arguments of mmap(2), with the descriptor
// replaced by what it stands for.
type Request struct {
	Addr   user.Addr
	Length uint64
	Prot   int
	Flags  int // unix.MAP_ bits
	Object Object
	File   Backing
	Offset uint64 // bytes
	// Open returns the object of a file, once all else has been checked; ENODEV if it
	// cannot be mapped. It is called without locks where Object is nil.
	Open func() (Object, error)
	// ReadOnly: the file was not opened for writing. WriteOnly: nor for reading.
	ReadOnly, WriteOnly bool
	// NoExec: the file is on a file system without programs.
	NoExec bool
	// Low: a fixed address may lie below vm.mmap_min_addr (CAP_SYS_RAWIO).
	Low  bool
	Name string // what /proc/PID/maps calls memory without a file
}

func align(n uint64) uint64 { return (n + mem.PageSize - 1) &^ (mem.PageSize - 1) }

// sharedFlags are the flags that MAP_SHARED_VALIDATE knows.
const sharedFlags = unix.MAP_SHARED_VALIDATE | unix.MAP_FIXED | unix.MAP_FIXED_NOREPLACE | unix.MAP_ANONYMOUS |
	unix.MAP_GROWSDOWN | unix.MAP_DENYWRITE | unix.MAP_EXECUTABLE | unix.MAP_LOCKED | unix.MAP_NORESERVE |
	unix.MAP_POPULATE | unix.MAP_NONBLOCK | unix.MAP_STACK | unix.MAP_HUGETLB

// Mmap makes a mapping and returns its address. Errors come in Linux's order (mmap(2)).
// Huge pages are never available (ENOMEM); MAP_LOCKED populates, since nothing is
// ever paged out.
func (s *Space) Mmap(r Request) (user.Addr, error) {
	anonymous := r.Flags&unix.MAP_ANONYMOUS != 0
	if r.Offset%mem.PageSize != 0 {
		return 0, unix.EINVAL
	}
	if r.Flags&unix.MAP_HUGETLB != 0 {
		if anonymous {
			return 0, unix.ENOMEM
		}
		return 0, unix.EINVAL
	}
	if r.Length == 0 {
		return 0, unix.EINVAL
	}
	length := align(r.Length)
	if length == 0 {
		return 0, unix.ENOMEM
	}
	if r.Offset+length < r.Offset {
		return 0, unix.EOVERFLOW
	}
	if length > pgtable.UserEnd {
		return 0, unix.ENOMEM
	}
	fixed := r.Flags&(unix.MAP_FIXED|unix.MAP_FIXED_NOREPLACE) != 0
	addr := uint64(r.Addr)
	if fixed {
		if addr > pgtable.UserEnd-length {
			return 0, unix.ENOMEM
		}
		if addr%mem.PageSize != 0 {
			return 0, unix.EINVAL
		}
		if addr < minAddr && !r.Low {
			return 0, unix.EPERM
		}
	}
	v := &VMA{
		prot: r.Prot & (unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC),
		obj:  r.Object, file: r.File, off: r.Offset >> mem.PageShift, name: r.Name,
		maySharedWrite: !r.ReadOnly, noExec: r.NoExec,
		growsDown: r.Flags&unix.MAP_GROWSDOWN != 0,
	}
	switch kind := r.Flags & unix.MAP_TYPE; kind {
	case unix.MAP_SHARED, unix.MAP_SHARED_VALIDATE:
		if !anonymous && kind == unix.MAP_SHARED_VALIDATE && r.Flags&^sharedFlags != 0 {
			return 0, unix.EOPNOTSUPP
		}
		if anonymous && kind == unix.MAP_SHARED_VALIDATE {
			return 0, unix.EINVAL
		}
		if !anonymous && v.prot&unix.PROT_WRITE != 0 && r.ReadOnly {
			return 0, unix.EACCES
		}
		v.shared = true
	case unix.MAP_PRIVATE:
	default:
		return 0, unix.EINVAL
	}
	switch {
	case anonymous && v.shared && v.growsDown:
		return 0, unix.EINVAL
	case anonymous:
		v.obj, v.file, v.off, v.maySharedWrite, v.noExec = nil, nil, 0, true, false
		if v.shared {
			c := NewPageCache(int64(length), nil, nil)
			defer c.Release()
			v.obj, v.name = c, "/dev/zero (deleted)"
		}
	case r.WriteOnly:
		return 0, unix.EACCES
	case r.NoExec && v.prot&unix.PROT_EXEC != 0:
		return 0, unix.EPERM
	case v.obj == nil:
		if r.Open == nil {
			return 0, unix.ENODEV
		}
		var err error
		if v.obj, err = r.Open(); err != nil {
			return 0, err
		}
		fallthrough
	default:
		if v.growsDown {
			return 0, unix.EINVAL
		}
	}

	s.mu.Lock()
	if !fixed {
		var ok bool
		if addr, ok = s.place(addr, length); !ok {
			s.mu.Unlock()
			return 0, unix.ENOMEM
		}
	}
	if r.Flags&unix.MAP_FIXED_NOREPLACE != 0 && s.occupied(addr, addr+length) {
		s.mu.Unlock()
		return 0, unix.EEXIST
	}
	if len(s.vmas) > maxMaps {
		s.mu.Unlock()
		return 0, unix.ENOMEM
	}
	var gone []*VMA
	if fixed {
		gone = s.take(addr, addr+length)
		s.unmap(addr, addr+length)
	}
	v.start, v.end = addr, addr+length
	gone = append(gone, s.insert(v)...)
	s.mu.Unlock()
	release(gone)
	if r.Flags&(unix.MAP_POPULATE|unix.MAP_LOCKED) != 0 && r.Flags&unix.MAP_NONBLOCK == 0 {
		s.Populate(user.Addr(addr), length)
	}
	return user.Addr(addr), nil
}

// occupied reports whether a VMA overlaps [from, to). The caller holds mu.
func (s *Space) occupied(from, to uint64) bool {
	i := s.search(from)
	return i < len(s.vmas) && s.vmas[i].start < to
}

// place finds length free bytes, at the hint where it is free, else as high as
// possible below the base, else anywhere above it. The caller holds mu.
func (s *Space) place(hint, length uint64) (uint64, bool) {
	if hint != 0 {
		if hint = align(max(hint, minAddr)); hint != 0 && hint <= pgtable.UserEnd-length && !s.occupied(hint, hint+length) {
			return hint, true
		}
	}
	end := s.base
	for i := s.search(end-1) - 1; ; i-- {
		// A VMA that crosses the base, or starts below it, limits the gap.
		if j := i + 1; j < len(s.vmas) && s.vmas[j].start < end {
			end = s.vmas[j].start
			if s.vmas[j].growsDown {
				end -= min(end, guardGap)
			}
		}
		low := uint64(minAddr)
		if i >= 0 {
			low = max(low, s.vmas[i].end)
		}
		if end >= low && end-low >= length {
			return end - length, true
		}
		if i < 0 {
			break
		}
	}
	low := s.base
	for i := s.search(low); ; i++ {
		high := uint64(pgtable.UserEnd)
		if i < len(s.vmas) {
			high = s.vmas[i].start
			if s.vmas[i].growsDown {
				high -= min(high, guardGap)
			}
		}
		if high >= low && high-low >= length {
			return low, true
		}
		if i >= len(s.vmas) {
			return 0, false
		}
		low = max(low, s.vmas[i].end)
	}
}

// Populate faults the pages of [addr, addr+n) in, as far as possible.
func (s *Space) Populate(addr user.Addr, n uint64) {
	for va := uint64(addr); va < uint64(addr)+n; va += mem.PageSize {
		s.mu.RLock()
		v := s.find(va)
		a := 0
		if v != nil {
			a = v.prot
		}
		s.mu.RUnlock()
		if a&unix.PROT_WRITE != 0 {
			if s.word(user.Addr(va), 1, nothing) != nil {
				return
			}
		} else if a == 0 || s.word(user.Addr(va), 0, nothing) != nil {
			return
		}
	}
}

// Munmap removes what is mapped in [addr, addr+n).
func (s *Space) Munmap(addr user.Addr, n uint64) error {
	from := uint64(addr)
	if from%mem.PageSize != 0 || from > pgtable.UserEnd || n > pgtable.UserEnd-from {
		return unix.EINVAL
	}
	if n = align(n); n == 0 {
		return unix.EINVAL
	}
	s.mu.Lock()
	if !s.occupied(from, from+n) {
		s.mu.Unlock()
		return nil
	}
	gone := s.take(from, from+n)
	s.unmap(from, from+n)
	s.mu.Unlock()
	release(gone)
	return nil
}

// Mprotect changes the protection of [addr, addr+n). Where a part is not mapped, what
// comes before it has changed (mprotect(2), ENOMEM).
func (s *Space) Mprotect(addr user.Addr, n uint64, prot int) error {
	from := uint64(addr)
	grows := prot & (unix.PROT_GROWSDOWN | unix.PROT_GROWSUP)
	if prot &^= grows; grows == unix.PROT_GROWSDOWN|unix.PROT_GROWSUP || from%mem.PageSize != 0 {
		return unix.EINVAL
	}
	if n == 0 {
		return nil
	}
	to := from + align(n)
	if to <= from {
		return unix.ENOMEM
	}
	if prot&^(unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC|0x8) != 0 { // 8 is PROT_SEM
		return unix.EINVAL
	}
	prot &= unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC
	s.mu.Lock()
	var gone []*VMA
	err := s.protect(from, to, prot, grows != 0, &gone)
	s.mu.Unlock()
	release(gone)
	return err
}

func (s *Space) protect(from, to uint64, prot int, grows bool, gone *[]*VMA) error {
	v := s.find(from)
	if v == nil {
		return unix.ENOMEM
	}
	if grows {
		if !v.growsDown {
			return unix.EINVAL
		}
		from = v.start
	}
	for from < to {
		if v = s.find(from); v == nil {
			return unix.ENOMEM
		}
		if prot&unix.PROT_WRITE != 0 && v.shared && !v.maySharedWrite || prot&unix.PROT_EXEC != 0 && v.noExec {
			return unix.EACCES
		}
		end := min(to, v.end)
		if v.prot == prot {
			from = end
			continue
		}
		s.split(from)
		s.split(end)
		v = s.find(from)
		v.prot = prot
		s.seq++
		// Entries lose write permission here and win it back by a fault, which knows
		// about copies.
		s.pt.Lock()
		changed := false
		s.hw.Range(from, end, func(va uint64, e *pgtable.Entry) bool {
			if x := e.Load(); x.Mapped() {
				if prot&unix.PROT_EXEC != 0 && !x.Executable() {
					s.m.SyncCode(x.Frame())
				}
				e.Set(x.Frame(), v.pteProt(false))
				changed = true
			}
			return true
		})
		if changed {
			s.m.FlushTLB(s.hw, from, end)
		}
		s.pt.Unlock()
		s.join(from, gone)
		s.join(end, gone)
		from = end
	}
	return nil
}

// join makes one VMA of the two that meet at va, where they can be one. The caller
// holds mu for writing and releases gone.
func (s *Space) join(va uint64, gone *[]*VMA) {
	i := s.search(va)
	if i == 0 || i == len(s.vmas) || s.vmas[i].start != va || !joins(s.vmas[i-1], s.vmas[i]) {
		return
	}
	b := s.vmas[i]
	s.vmas[i-1].end = b.end
	b.dead = true
	s.vmas = append(s.vmas[:i], s.vmas[i+1:]...)
	s.seq++
	*gone = append(*gone, b)
}

// SetBrk says where the heap begins: execve calls it once, with an address past the
// program's data.
func (s *Space) SetBrk(start user.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.brkStart = align(uint64(start))
	s.brk = s.brkStart
}

// Brk moves the end of the heap to addr where possible, and returns where it is now.
func (s *Space) Brk(addr user.Addr) user.Addr {
	s.mu.Lock()
	want := uint64(addr)
	if want < s.brkStart || want > pgtable.UserEnd {
		want = s.brk
	}
	old, now := align(s.brk), align(want)
	var gone []*VMA
	switch {
	case now < old:
		gone = s.take(now, old)
		s.unmap(now, old)
	case now > old:
		if s.occupied(old, now+mem.PageSize) || len(s.vmas) > maxMaps {
			want = s.brk
			break
		}
		gone = s.insert(&VMA{start: old, end: now, prot: unix.PROT_READ | unix.PROT_WRITE, maySharedWrite: true, name: "[heap]"})
	}
	s.brk = want
	s.mu.Unlock()
	release(gone)
	return user.Addr(want)
}

// MapStack makes the first stack of a program, which ends at top and grows to max.
func (s *Space) MapStack(top user.Addr, size, max uint64) error {
	s.mu.Lock()
	s.stackMax = max
	s.mu.Unlock()
	_, err := s.Mmap(Request{
		Addr: top - user.Addr(size), Length: size, Prot: unix.PROT_READ | unix.PROT_WRITE,
		Flags: unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_FIXED | unix.MAP_GROWSDOWN, Name: "[stack]",
	})
	return err
}
