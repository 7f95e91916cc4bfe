package nk

import "kevlar/machine/mem"

// frames hands out physical memory: to the Go heap and page tables (allocFrame),
// and in batches to programs (takeFrames). mm.lock guards it. Frames that were
// never used are the rest of boot.regions; freed ones are linked through their
// first word.
var frames struct {
	region  int       // index in boot.regions
	next    uint64    // physical address of the first frame there that was never used
	freed   mem.Frame // list of freed frames
	free    uint64    // frames that nobody has
	total   uint64    // frames that there were once the nanokernel had set up
	heap    uint64    // frames that the Go heap has
	reserve uint64    // of the frames, those that programs do not get: the heap may need them
}

// The Go heap's share of memory: a quarter, but at least minHeap (or half of what
// there is) and at most maxHeap. Beyond it the heap competes with programs.
const (
	minHeap = 24 << 20
	maxHeap = 2 << 30
)

func heapShare(bytes uint64) uint64 {
	return min(max(bytes/4, min(minHeap, bytes/2)), maxHeap)
}

// initFrames makes boot.regions available, and carves the array of reference counts
// that package mem wants. Only memory below boot.mapped is touched: the boot code's
// direct map ends there.
func initFrames() {
	n := (uint64(boot.maxFrame-boot.minFrame)*4 + mem.PageSize - 1) &^ (mem.PageSize - 1)
	pa := carve(n)
	zero(directBase+uintptr(pa), uintptr(n))
	// counts[f] for f below minFrame does not exist and is never asked for.
	mem.SetDirectMap(directBase, boot.maxFrame, ptr(directBase+uintptr(pa)-uintptr(boot.minFrame)*4))
	for i := 0; i < boot.nregions; i++ {
		frames.free += (boot.regions[i].end - boot.regions[i].start) / mem.PageSize
	}
	frames.next = boot.regions[0].start
}

// carve takes n bytes, a multiple of the page size, from the start of the first
// region that has them.
func carve(n uint64) uint64 {
	for i := 0; i < boot.nregions; i++ {
		r := &boot.regions[i]
		if r.end-r.start >= n && r.start+n <= boot.mapped {
			pa := r.start
			r.start += n
			return pa
		}
	}
	panicBoot("not enough memory")
	return 0
}

// sealFrames fixes the shares once the nanokernel has what it needs.
func sealFrames() {
	frames.total = frames.free
	frames.reserve = heapShare(frames.total*mem.PageSize) / mem.PageSize
}

// popFrame returns a frame full of old data, or 0.
func popFrame() mem.Frame {
	if f := frames.freed; f != 0 {
		frames.freed = mem.Frame(load64(virt(f)))
		frames.free--
		return f
	}
	for frames.region < boot.nregions {
		if r := &boot.regions[frames.region%maxRegions]; frames.next < r.end {
			f := mem.FrameOf(frames.next)
			frames.next += mem.PageSize
			frames.free--
			return f
		}
		frames.region++
		frames.next = boot.regions[frames.region%maxRegions].start
	}
	return 0
}

func pushFrame(f mem.Frame) {
	store64(virt(f), uint64(frames.freed))
	frames.freed = f
	frames.free++
}

// virt is a frame's address in the direct map.
func virt(f mem.Frame) uintptr { return directBase + uintptr(f.Addr()) }

// allocFrame returns a zeroed frame for the kernel itself, or 0.
func allocFrame() mem.Frame {
	f := popFrame()
	if f != 0 {
		zero(virt(f), mem.PageSize)
	}
	return f
}

// heapFrame is allocFrame for the Go heap, which cannot go on without it.
func heapFrame() mem.Frame {
	f := allocFrame()
	if f == 0 {
		dumpThread(thisCPU().thread(), "the Go heap found no free memory", uint64(frames.heap))
		die()
	}
	frames.heap++
	return f
}

// spare is how many frames programs can still have: what the heap has not taken of
// its reserve stays free for it.
func spare() uint64 {
	keep := uint64(0)
	if frames.heap < frames.reserve {
		keep = frames.reserve - frames.heap
	}
	if frames.free <= keep {
		return 0
	}
	return frames.free - keep
}

// takeFrames writes up to n frames for programs to the array at p.
func takeFrames(p uintptr, n uint64) uint64 {
	var batch [32]mem.Frame
	got := uint64(0)
	for got < n {
		k := uint64(0)
		mm.lock.lock()
		for room := spare(); k < 32 && got+k < n && k < room; k++ {
			batch[k] = popFrame()
		}
		mm.lock.unlock()
		if k == 0 {
			break
		}
		for i := uint64(0); i < k; i++ {
			store64(p+uintptr(got+i)*8, uint64(batch[i&31]))
		}
		got += k
	}
	return got
}

// giveFrames takes them back.
func giveFrames(p uintptr, n uint64) {
	for i := uint64(0); i < n; i++ {
		f := mem.Frame(load64(p + uintptr(i)*8))
		mm.lock.lock()
		pushFrame(f)
		mm.lock.unlock()
	}
}
