package mm

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/user"
	"kevlar/machine"
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
	Low bool
	// MayLock: RLIMIT_MEMLOCK does not apply (CAP_IPC_LOCK).
	MayLock bool
	Name    string // what /proc/PID/maps calls memory without a file
}

func align(n uint64) uint64 { return (n + mem.PageSize - 1) &^ (mem.PageSize - 1) }

// sharedFlags are the flags that MAP_SHARED_VALIDATE knows.
const sharedFlags = unix.MAP_SHARED_VALIDATE | unix.MAP_FIXED | unix.MAP_FIXED_NOREPLACE | unix.MAP_ANONYMOUS |
	unix.MAP_GROWSDOWN | unix.MAP_DENYWRITE | unix.MAP_EXECUTABLE | unix.MAP_LOCKED | unix.MAP_NORESERVE |
	unix.MAP_POPULATE | unix.MAP_NONBLOCK | unix.MAP_STACK | unix.MAP_HUGETLB

// Mmap makes a mapping and returns its address. Errors come in Linux's order (mmap(2)).
// Huge pages are never available (ENOMEM).
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
	v := &VMA{off: r.Offset >> mem.PageShift, attributes: attributes{
		prot: r.Prot & (unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC),
		obj:  r.Object, file: r.File, name: r.Name,
		maySharedWrite: !r.ReadOnly, noExec: r.NoExec,
		growsDown: r.Flags&unix.MAP_GROWSDOWN != 0, noReserve: r.Flags&unix.MAP_NORESERVE != 0,
	}}
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
			if !v.noReserve && length > s.m.Info().Memory {
				return 0, unix.ENOMEM
			}
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
	at, gone, err := s.mmap(&r, v, addr, length, fixed)
	populate := v.advice&locked != 0 && v.advice&onFault == 0
	s.mu.Unlock()
	release(gone)
	if err != nil {
		return 0, err
	}
	if populate || r.Flags&unix.MAP_POPULATE != 0 && r.Flags&unix.MAP_NONBLOCK == 0 {
		s.Populate(user.Addr(at), length)
	}
	return user.Addr(at), nil
}

// mmap finds a place for v and puts it there. The caller holds mu for writing, and
// releases gone.
func (s *Space) mmap(r *Request, v *VMA, addr, length uint64, fixed bool) (at uint64, gone []*VMA, err error) {
	if s.vmas.n > maxMaps {
		return 0, nil, unix.ENOMEM
	}
	if !fixed {
		var ok bool
		if addr, ok = s.place(addr, length, r.Flags&abi.Map32Bit != 0); !ok {
			return 0, nil, unix.ENOMEM
		}
	}
	if r.Flags&unix.MAP_FIXED_NOREPLACE != 0 && s.occupied(addr, addr+length) {
		return 0, nil, unix.EEXIST
	}
	v.advice |= s.future
	if r.Flags&unix.MAP_LOCKED != 0 {
		if !s.canLock(r.MayLock) {
			return 0, nil, unix.EPERM
		}
		v.advice |= locked
	}
	if v.advice&locked != 0 && !s.lockFits(length, r.MayLock || s.future&locked != 0 && s.mayLock) {
		return 0, nil, unix.EAGAIN
	}
	replaced := uint64(0)
	if fixed {
		replaced = s.mappedIn(addr, addr+length)
	}
	if !s.fits(&v.attributes, length, replaced) {
		return 0, nil, unix.ENOMEM
	}
	if replaced != 0 {
		gone = s.remove(addr, addr+length)
	}
	v.start, v.end = addr, addr+length
	return addr, append(gone, s.insert(v)...), nil
}

// mappedIn is how many bytes of [from, to) are mapped. The caller holds mu.
func (s *Space) mappedIn(from, to uint64) (n uint64) {
	for v := s.vmas.from(from); v != nil && v.start < to; v = v.after {
		n += min(v.end, to) - max(v.start, from)
	}
	return n
}

// place finds length free bytes: at the hint where they are free, else as high as
// possible below the base, else anywhere above it. low asks for the first 2 GiB
// (MAP_32BIT). The caller holds mu.
func (s *Space) place(hint, length uint64, low bool) (uint64, bool) {
	if low {
		const bottom, top = 0x4000_0000, 0x8000_0000
		at, ok := s.vmas.lowest(length, bottom)
		return at, ok && at+length <= top
	}
	if hint != 0 {
		hint = align(max(hint, minAddr))
		if hint != 0 && hint <= pgtable.UserEnd-length && s.free(hint, hint+length) {
			return hint, true
		}
	}
	if at, ok := s.vmas.highest(length, s.base); ok {
		return at, true
	}
	return s.vmas.lowest(length, s.base)
}

// free reports whether [from, to) is free, and keeps its distance from a stack above it.
func (s *Space) free(from, to uint64) bool {
	v := s.vmas.from(from)
	return v == nil || to <= v.high()
}

// Populate faults the pages of [addr, addr+n) in, as far as possible.
func (s *Space) Populate(addr user.Addr, n uint64) error {
	for va := uint64(addr); va < uint64(addr)+n; va += mem.PageSize {
		access := machine.Read
		s.mu.RLock()
		// A private page that can be written gets its copy at once, as on Linux.
		if v := s.find(va); v != nil && v.prot&unix.PROT_WRITE != 0 && !v.shared {
			access = machine.Write
		}
		s.mu.RUnlock()
		if err := s.touch(va, access); err != nil {
			return err
		}
	}
	return nil
}

// touch faults the page of va in, unless it is there.
func (s *Space) touch(va uint64, access machine.Access) error {
	s.pt.Lock()
	there := s.bytes(va, access) != nil
	s.pt.Unlock()
	if there {
		return nil
	}
	return s.Fault(user.Addr(va), access)
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
	// Both ends may split a mapping: Linux refuses where that would make too many.
	if v := s.vmas.from(from); v != nil && v.start < from && v.end > from+n && s.vmas.n >= maxMaps {
		s.mu.Unlock()
		return unix.ENOMEM
	}
	gone := s.remove(from, from+n)
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
		if v.prot != prot {
			if err := s.protectVMA(v, from, end, prot, gone); err != nil {
				return err
			}
		}
		from = end
	}
	return nil
}

// protectVMA changes the protection of [from, to), which lies in v.
func (s *Space) protectVMA(v *VMA, from, to uint64, prot int, gone *[]*VMA) error {
	changed := v.attributes
	changed.prot = prot
	if changed.isData() && !v.isData() && !s.dataFits(&changed, to-from, 0) {
		return unix.ENOMEM
	}
	if (v.start < from || v.end > to) && s.vmas.n >= maxMaps {
		return unix.ENOMEM
	}
	v = s.isolate(from, to)
	pages := int64((to - from) >> mem.PageShift)
	s.countKinds(v, -pages)
	v.prot = prot
	s.countKinds(v, pages)
	s.pt.Lock()
	low, high := uint64(0), uint64(0)
	s.hw.Range(from, to, func(va uint64, e *pgtable.Entry) bool {
		x := e.Load()
		if !x.Mapped() {
			return true
		}
		if prot&unix.PROT_EXEC != 0 && !x.Executable() {
			s.m.SyncCode(x.Frame())
		}
		e.Set(x.Frame(), v.pteProt(s.mayWrite(v, x), x.Own()))
		if low == high {
			low = va
		}
		high = va + mem.PageSize
		return true
	})
	if low != high {
		s.m.FlushTLB(s.hw, low, high)
	}
	s.pt.Unlock()
	s.join(to, gone)
	s.join(from, gone)
	return nil
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
	var grown *VMA
	switch {
	case now < old:
		gone = s.remove(now, old)
	case now > old:
		v := &VMA{start: old, end: now, attributes: attributes{
			prot: unix.PROT_READ | unix.PROT_WRITE, maySharedWrite: true, name: "[heap]", advice: s.future,
		}}
		limit := s.limit(unix.RLIMIT_DATA)
		switch {
		case limit != unix.RLIM_INFINITY && want-s.brkStart > limit, !s.free(old, now+mem.PageSize),
			s.vmas.n > maxMaps, !s.fits(&v.attributes, now-old, 0), s.future&locked != 0 && !s.lockFits(now-old, s.mayLock):
			want = s.brk
		default:
			gone, grown = s.insert(v), v
		}
	}
	s.brk = want
	s.mu.Unlock()
	release(gone)
	if grown != nil && grown.advice&(locked|onFault) == locked {
		s.Populate(user.Addr(old), now-old)
	}
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
