package mem

import (
	"sync/atomic"
	"unsafe"
)

// The direct map: physical address 0 is at virtual address directBase, and frames
// below limit exist. counts has a reference count for each. Both are set once, by
// SetDirectMap, before anything uses a frame; the memory they point to is not the
// Go heap's (machine/metal) or is kept alive by its owner (machine/sim).
var (
	directBase uintptr
	limit      Frame
	counts     uintptr // of [limit]atomic.Int32: no pointer, for the nanokernel sets it before Go runs
)

// SetDirectMap says where physical memory is visible, how many frames it spans
// from physical address 0, and where their reference counts are: limit zeroed
// int32 values.
func SetDirectMap(base uintptr, frames Frame, refs unsafe.Pointer) {
	directBase, limit, counts = base, frames, uintptr(refs)
}

// Data is the frame's memory. Sound because f < limit lies in the direct map,
// which is never unmapped.
func (f Frame) Data() *[PageSize]byte {
	if f == 0 || f >= limit {
		panic("mem: no such frame")
	}
	return (*[PageSize]byte)(unsafe.Add(unsafe.Pointer(nil), directBase+uintptr(f)<<PageShift))
}

func (f Frame) refs() *atomic.Int32 {
	if f == 0 || f >= limit {
		panic("mem: no such frame")
	}
	return (*atomic.Int32)(unsafe.Add(unsafe.Pointer(nil), counts+uintptr(f)*4))
}

// Word is the 32-bit word at byte offset off, which must be a multiple of 4: for
// futexes and other atomic accesses to user memory.
func (f Frame) Word(off int) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Pointer(&f.Data()[off&^3]))
}

// Words is the frame as 64-bit words, as page tables see it.
func (f Frame) Words() *[PageSize / 8]uint64 {
	return (*[PageSize / 8]uint64)(unsafe.Pointer(f.Data()))
}
