// Package mmio reads and writes device registers that are mapped in memory. Every
// access is a single load or store of its width, in program order: Go's atomic
// operations give both on the architectures that Kevlar runs on, and devices are
// mapped uncached.
package mmio

import (
	"sync/atomic"
	"unsafe"
)

// Region is a range of device registers. The zero Region has none.
type Region struct {
	base uintptr
	size uintptr
}

// At makes a region of size bytes at the virtual address va, which the machine
// layer has mapped as device memory and never unmaps.
func At(va, size uintptr) Region { return Region{va, size} }

// Size is the region's length in bytes.
func (r Region) Size() int { return int(r.size) }

// Sub is the part of r from off on, n bytes long.
func (r Region) Sub(off, n uintptr) Region {
	r.check(off, n)
	return Region{r.base + off, n}
}

func (r Region) check(off, n uintptr) {
	if off+n > r.size || off+n < off {
		panic("mmio: register outside its region")
	}
}

// ptr is sound because check keeps it inside a mapping that lasts for ever, and
// the memory behind it is not Go's.
func (r Region) ptr(off, n uintptr) unsafe.Pointer {
	r.check(off, n)
	return unsafe.Add(unsafe.Pointer(nil), r.base+off)
}

func (r Region) Read32(off uintptr) uint32     { return atomic.LoadUint32((*uint32)(r.ptr(off, 4))) }
func (r Region) Write32(off uintptr, v uint32) { atomic.StoreUint32((*uint32)(r.ptr(off, 4)), v) }

// Read8 to Write16 are plain accesses: the functions are not inlined, so that the
// compiler can neither merge nor drop nor reorder them around others.
//
//go:noinline
func (r Region) Read8(off uintptr) uint8 { return *(*uint8)(r.ptr(off, 1)) }

//go:noinline
func (r Region) Write8(off uintptr, v uint8) { *(*uint8)(r.ptr(off, 1)) = v }

//go:noinline
func (r Region) Read16(off uintptr) uint16 { return *(*uint16)(r.ptr(off, 2)) }

//go:noinline
func (r Region) Write16(off uintptr, v uint16) { *(*uint16)(r.ptr(off, 2)) = v }

// Read64 and Write64 access two 32-bit halves, low first: what virtio asks for
// (virtio 1.2, 4.1.3.1 and 4.2.2).
func (r Region) Read64(off uintptr) uint64 {
	return uint64(r.Read32(off)) | uint64(r.Read32(off+4))<<32
}

func (r Region) Write64(off uintptr, v uint64) {
	r.Write32(off, uint32(v))
	r.Write32(off+4, uint32(v>>32))
}
