package nk

import (
	"golang.org/x/sys/unix"

	"kevlar/machine/mem"
	"kevlar/machine/pgtable"
)

// The kernel's address space. The Go runtime's mappings live in
// [heapBase, heapEnd); the architecture fixes these, the direct map and the image's
// place. Each range is either reserved (PROT_NONE: touching it is a fault) or
// usable, and then filled with zeroed frames on demand.

// span is a mapped range of addresses.
type span struct {
	start, end uintptr
	usable     bool
}

const maxSpans = 4096

// mm.lock guards the kernel's page table, the spans and the frames.
var mm struct {
	lock  spinlock
	table pgtable.Table
	n     int
	spans [maxSpans]span  // sorted and disjoint; neighbours of one kind are merged
	stack uintptr         // the next nanokernel stack goes here
	limbo [2048]mem.Frame // unmapped, not flushed yet
}

const (
	pageMask = mem.PageSize - 1
	bigAlign = 2 << 20 // alignment of big mappings: the reach of a page table
)

// find returns the index of the first span that ends after a.
func find(a uintptr) int {
	lo, hi := 0, mm.n
	for lo < hi {
		m := int(uint(lo+hi) / 2)
		if mm.spans[m%maxSpans].end > a {
			hi = m
		} else {
			lo = m + 1
		}
	}
	return lo
}

func spanAt(i int) *span { return &mm.spans[i%maxSpans] }

// isFree reports whether nothing is mapped in [a, b).
func isFree(a, b uintptr) bool {
	i := find(a)
	return i == mm.n || spanAt(i).start >= b
}

// gap finds n unmapped bytes with alignment al, the lowest there are; 0 without.
func gap(n, al uintptr) uintptr {
	a := uintptr(heapBase)
	for i := 0; ; i++ {
		a = (a + al - 1) &^ (al - 1)
		limit := uintptr(heapEnd)
		if i < mm.n {
			limit = spanAt(i).start
		}
		if a < limit && limit-a >= n {
			return a
		}
		if i >= mm.n {
			return 0
		}
		a = spanAt(i).end
	}
}

// open makes room for k spans at index i.
func open(i, k int) {
	for j := mm.n - 1; j >= i; j-- {
		*spanAt(j + k) = *spanAt(j)
	}
	mm.n += k
}

// shut removes k spans at index i.
func shut(i, k int) {
	for j := i; j+k < mm.n; j++ {
		*spanAt(j) = *spanAt(j + k)
	}
	mm.n -= k
}

// forget removes [a, b) from the spans. There is room for one more.
func forget(a, b uintptr) {
	i := find(a)
	if i < mm.n && spanAt(i).start < a {
		s := spanAt(i)
		end, usable := s.end, s.usable
		s.end = a
		i++
		if end > b {
			open(i, 1)
			*spanAt(i) = span{b, end, usable}
			return
		}
	}
	k := 0
	for i+k < mm.n && spanAt(i+k).end <= b {
		k++
	}
	shut(i, k)
	if i < mm.n && spanAt(i).start < b {
		spanAt(i).start = b
	}
}

// note adds [a, b), of which nothing is mapped. There is room for one more.
func note(a, b uintptr, usable bool) {
	i := find(a)
	joinL := i > 0 && spanAt(i-1).end == a && spanAt(i-1).usable == usable
	joinR := i < mm.n && spanAt(i).start == b && spanAt(i).usable == usable
	switch {
	case joinL && joinR:
		spanAt(i - 1).end = spanAt(i).end
		shut(i, 1)
	case joinL:
		spanAt(i - 1).end = b
	case joinR:
		spanAt(i).start = a
	default:
		open(i, 1)
		*spanAt(i) = span{a, b, usable}
	}
}

// mmap is mmap(2) of private anonymous memory. A hint is honoured where it lies in
// the heap's area and is free; elsewhere the answer is ENOMEM, after which the
// runtime takes what it is given.
func mmap(addr, n uintptr, prot, flags uint64, fd int32) uint64 {
	if n == 0 || addr&pageMask != 0 && flags&unix.MAP_FIXED != 0 {
		return errno(int(unix.EINVAL))
	}
	if flags&unix.MAP_ANON == 0 || fd != -1 && fd != 0 {
		return errno(int(unix.ENODEV))
	}
	if n > heapEnd-heapBase {
		return errno(int(unix.ENOMEM))
	}
	n = (n + pageMask) &^ pageMask
	mm.lock.lock()
	a := mapRange(addr&^pageMask, n, prot != unix.PROT_NONE, flags&unix.MAP_FIXED != 0)
	mm.lock.unlock()
	if a == 0 {
		return errno(int(unix.ENOMEM))
	}
	return uint64(a)
}

func mapRange(addr, n uintptr, usable, fixed bool) uintptr {
	if mm.n+2 > maxSpans {
		print("kernel: too many ranges in the Go heap's address space\n")
		return 0
	}
	inside := addr >= heapBase && addr < heapEnd && n <= heapEnd-addr
	switch {
	case fixed && !inside:
		return 0
	case fixed:
		dropRange(addr, addr+n)
		forget(addr, addr+n)
	case addr == 0:
		al := uintptr(mem.PageSize)
		if n >= bigAlign {
			al = bigAlign
		}
		if addr = gap(n, al); addr == 0 {
			return 0
		}
	case !inside || !isFree(addr, addr+n):
		return 0
	}
	note(addr, addr+n, usable)
	return addr
}

func munmap(addr, n uintptr) uint64 {
	n = (n + pageMask) &^ pageMask
	if n == 0 || addr&pageMask != 0 || addr < heapBase || addr >= heapEnd || n > heapEnd-addr {
		return errno(int(unix.EINVAL))
	}
	r := uint64(0)
	mm.lock.lock()
	if mm.n+1 > maxSpans {
		r = errno(int(unix.ENOMEM))
	} else {
		dropRange(addr, addr+n)
		forget(addr, addr+n)
	}
	mm.lock.unlock()
	return r
}

// madvise gives pages back for MADV_DONTNEED: they read as zeroes afterwards, which
// the runtime trusts. Other advice is advice.
func madvise(addr, n uintptr, advice uint64) uint64 {
	if addr&pageMask != 0 {
		return errno(int(unix.EINVAL))
	}
	if advice != unix.MADV_DONTNEED {
		return 0
	}
	n = (n + pageMask) &^ pageMask
	if addr < heapBase || addr >= heapEnd || n > heapEnd-addr {
		return errno(int(unix.ENOMEM))
	}
	mm.lock.lock()
	dropRange(addr, addr+n)
	mm.lock.unlock()
	return 0
}

// dropRange empties the page entries of [a, b) and frees the frames. Other CPUs may
// have them in their TLBs, and write to them until told: first the entries go, then
// the TLBs' copies, then the frames. Batches bound the memory that needs.
func dropRange(a, b uintptr) {
	n, from := 0, a
	for va := a; va < b; {
		e, level := mm.table.Slot(uint64(va))
		if level > 0 {
			step := uintptr(1) << (mem.PageShift + 9*level)
			va = (va + step) &^ (step - 1)
			continue
		}
		// The rest of this table, without walking again.
		for stop := min((va+bigAlign)&^(bigAlign-1), b); ; e = e.Next() {
			if v := e.Load(); v.Mapped() {
				e.Clear()
				mm.limbo[n%len(mm.limbo)] = v.Frame()
				n++
			}
			if va += mem.PageSize; va == stop {
				break
			}
		}
		if n > len(mm.limbo)-512 {
			freeLimbo(n, from, va)
			n, from = 0, va
		}
	}
	if n > 0 {
		freeLimbo(n, from, b)
	}
}

func freeLimbo(n int, from, to uintptr) {
	flushKernel(from, to)
	for i := 0; i < n; i++ {
		pushFrame(mm.limbo[i%len(mm.limbo)])
	}
	frames.heap -= uint64(n)
}

// tail is the end of the image: static memory that is zero and that the nanokernel has
// no part in. It gets frames on demand, as the heap does, and boot loaders do not know of
// it (internal/image). The linker sorts such memory by size, so that what lies behind the
// nanokernel's largest table is larger still: crypto/rand alone has 32 MiB, of which it
// uses nothing.
var tail struct{ start, end uintptr }

// findTail is told where the image ends, and returns where its tail begins.
func findTail(end uintptr) uintptr {
	end = (end + pageMask) &^ pageMask
	start := (addressAfterThreads() + pageMask) &^ pageMask
	if start >= end {
		return end
	}
	if addressAfterTables() > start {
		panicBoot("the linker put the nanokernel's tables where there is no memory")
	}
	tail.start, tail.end = start, end
	return start
}

func inTail(va uintptr) bool { return va >= tail.start && va < tail.end }

// demand serves a fault of Go code or of the nanokernel at va. It reports whether
// the access may be tried again.
func demand(va uintptr, write bool) bool {
	inTail := inTail(va)
	if (va < heapBase || va >= heapEnd) && !inTail {
		return false
	}
	mm.lock.lock()
	ok := false
	if i := find(va); inTail || i < mm.n && spanAt(i).start <= va && spanAt(i).usable {
		ok = true
		stats.faults++
		// Another CPU may have been first.
		if e := makePage(uint64(va)); !e.Load().Mapped() {
			e.Set(heapFrame(), pgtable.Read|pgtable.Write)
		}
	}
	mm.lock.unlock()
	return ok
}

// makePage walks to va's page entry and makes the tables on the way.
func makePage(va uint64) *pgtable.Entry {
	for {
		e, level := mm.table.Slot(va)
		if level == 0 {
			return e
		}
		e.SetTable(heapFrame(), false)
	}
}

// isMapped reports whether the kernel's page at va has a frame.
func isMapped(va uintptr) bool {
	if mm.table.Root == 0 {
		return false
	}
	e, _ := mm.table.Slot(uint64(va))
	return e.Load().Present()
}

// mapKernel maps n bytes of physical memory at va for the kernel, with pages: for
// the architecture's set-up. Page tables come from allocFrame.
func mapKernel(va uintptr, pa, n uint64, prot pgtable.Prot) {
	for end := pa + n; pa < end; {
		e := makePage(uint64(va))
		for { // the rest of this table, without walking again
			e.Set(mem.FrameOf(pa), prot)
			va, pa = va+mem.PageSize, pa+mem.PageSize
			if pa >= end || va%bigAlign == 0 {
				break
			}
			e = e.Next()
		}
	}
}

// newStack maps a stack of n bytes with a guard page below it and returns its
// bounds. Stacks are for ever; they lie right above the heap's area, in the same
// top-level entry.
func newStack(n uintptr) (lo, hi uintptr) {
	if mm.stack == 0 {
		mm.stack = heapEnd
	}
	lo = mm.stack + mem.PageSize
	hi = lo + n
	for va := lo; va < hi; va += mem.PageSize {
		makePage(uint64(va)).Set(allocFrame(), pgtable.Read|pgtable.Write)
	}
	mm.stack = hi
	return lo, hi
}
