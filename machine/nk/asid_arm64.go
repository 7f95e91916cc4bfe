package nk

import (
	"sync/atomic"

	"kevlar/machine"
	"kevlar/machine/mem"
)

// Address space identifiers. TLB entries of user memory carry one, so that switching
// address spaces flushes nothing. There are 256 or 65536, and a Space gets one when
// it first runs: its Tag is a generation (bits 16 and up) and the identifier. When
// all are taken, a new generation begins: TLBs are flushed, every Space must ask
// anew, and only those that CPUs have loaded keep theirs.
//
// enterUser takes the fast path without a lock: where the Tag's generation is the
// current one, it swaps it into the CPU's active and loads the table. assignASID,
// which holds sched.lock, begins a generation by swapping 0 into every active: a CPU
// then either got its Tag in before (and it is kept) or fails and asks.

// asidState is what enterUser reads, and the allocator's own, under sched.lock.
type asidState struct {
	generation uint64 // low 16 bits are zero
	last       uint64 // the identifier given last
	limit      uint64
	kept       [maxCPUs]uint64 // Tags that CPUs had when the generation began
	used       [65536 / 64]uint64
}

var asids asidState

// initASIDs is told how many bits an identifier has. 0 is the kernel's own, 1 the boot
// code's.
func initASIDs(bits uint) {
	asids.limit = 1 << bits
	asids.generation = 1 << 16
	asids.used[0] = 3
	asids.last = 1
}

func asidUsed(id uint64) *uint64 { return &asids.used[id/64%uint64(len(asids.used))] }

// assignASID gives the Space at p a Tag of the current generation and makes it the
// CPU's.
func (c *CPU) assignASID(p uintptr) {
	tag := load64(p + spaceTag)
	if tag>>16 != asids.generation>>16 {
		tag = newTag(tag)
		store64(p+spaceTag, tag)
		// FlushTLB clears an entry and then reads Tag; we store Tag and then walk.
		fullBarrier()
	}
	atomic.StoreUint64(&c.active, tag)
	atomic.StoreUint64(&c.root, load64(p+spaceRoot))
	loadTTBR(load64(p+spaceRoot)<<12 | tag<<48)
}

// newTag is the Tag for a Space that had old.
func newTag(old uint64) uint64 {
	if tag := keptTag(old); tag != 0 {
		return tag
	}
	for range 2 {
		for id := asids.last + 1; id < asids.limit; id++ {
			if w := asidUsed(id); *w>>(id%64)&1 == 0 {
				*w |= 1 << (id % 64)
				asids.last = id
				return asids.generation | id
			}
		}
		newGeneration()
		if tag := keptTag(old); tag != 0 {
			return tag
		}
	}
	return asids.generation // not reached: there are fewer CPUs than identifiers
}

// keptTag is the Tag of the current generation for a Space that a CPU had loaded when
// it began; 0 for others.
func keptTag(old uint64) uint64 {
	if old == 0 {
		return 0
	}
	tag := asids.generation | old&0xffff
	found := uint64(0)
	for i := range asids.kept {
		if asids.kept[i] == old || asids.kept[i] == tag {
			asids.kept[i] = tag
			found = tag
		}
	}
	return found
}

func newGeneration() {
	atomic.StoreUint64(&asids.generation, asids.generation+1<<16)
	for i := range asids.used {
		asids.used[i] = 0
	}
	asids.used[0], asids.last = 3, 1
	for i := 0; i < ncpu; i++ {
		// A CPU that has not entered since the last generation keeps what it kept.
		if tag := atomic.SwapUint64(&cpus[i%maxCPUs].active, 0); tag != 0 {
			asids.kept[i%maxCPUs] = tag
		}
		if id := asids.kept[i%maxCPUs] & 0xffff; id != 0 {
			*asidUsed(id) |= 1 << (id % 64)
		}
	}
	flushAll()
}

// copyKernelHalf gives the top-level table in root the kernel's entries, which never
// change after boot.
func copyKernelHalf(root mem.Frame) {
	copyWords(virt(root)+256*8, virt(mm.table.Root)+256*8, 256*8)
}

// flushLimit: beyond so many bytes one flush of everything is cheaper.
const flushLimit = 256 << 12

// flushKernel flushes global entries on all CPUs.
func flushKernel(from, to uintptr) {
	if to-from > flushLimit {
		flushAll()
		return
	}
	flushPages(uint64(from)>>12&(1<<44-1), uint64(to-from+pageMask)>>12)
}

// flushUser is the private call that flushSpace does without.
func flushUser(root, from, to uint64) {}

// forgetSpace makes every CPU that has s loaded load the kernel's table instead.
func forgetSpace(s *machine.Space) {
	flushSpace(s, 0, 1<<47)
	for call(callForgetSpace, uint64(s.Root), 0, 0) != 0 {
	}
}

// leaveSpace asks the CPUs that have the table in frame root loaded to leave it, and
// returns how many may still have. Under sched.lock, so none of those asked can be
// given the table anew: nobody enters with it.
func (c *CPU) leaveSpace(root uint64) uint64 {
	n := uint64(0)
	for i := 0; i < ncpu; i++ {
		o := &cpus[i%maxCPUs]
		if atomic.LoadUint64(&o.root) != root {
			continue
		}
		if o == c {
			c.leaveTable()
			continue
		}
		sendIPI(o, ipiLeave)
		n++
	}
	return n
}

// leaveTable makes the CPU that runs it use the kernel's own table. enterUser will
// find another active.
func (c *CPU) leaveTable() {
	atomic.StoreUint64(&c.active, 0)
	loadTTBR(kernelTTBR)
	atomic.StoreUint64(&c.root, 0)
}
