package nk

import "unsafe"

// The nanokernel's view of memory. The callers' invariant: an address is either
// in a static table, in the direct map, or was passed by the Go runtime, whose
// memory is mapped on demand and never moves.

func load64(p uintptr) uint64     { return *(*uint64)(ptr(p)) }
func load32(p uintptr) uint32     { return *(*uint32)(ptr(p)) }
func load8(p uintptr) byte        { return *(*byte)(ptr(p)) }
func store64(p uintptr, v uint64) { *(*uint64)(ptr(p)) = v }
func store32(p uintptr, v uint32) { *(*uint32)(ptr(p)) = v }
func store8(p uintptr, v byte)    { *(*byte)(ptr(p)) = v }

// ptr makes a pointer from an address that is no heap object's.
func ptr(p uintptr) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(nil), p) }

// zero clears n bytes at p, both multiples of 8.
func zero(p, n uintptr) { clear(unsafe.Slice((*uint64)(ptr(p)), n/8)) }

// copyWords copies n bytes, a multiple of 8.
func copyWords(to, from, n uintptr) {
	copy(unsafe.Slice((*uint64)(ptr(to)), n/8), unsafe.Slice((*uint64)(ptr(from)), n/8))
}

// thread is the CPU's current Thread: one of threads, or its idle one.
func (c *CPU) thread() *Thread     { return (*Thread)(ptr(c.cur)) }
func (c *CPU) setThread(t *Thread) { c.cur = uintptr(unsafe.Pointer(t)) }
func (c *CPU) isIdle() bool        { return c.cur == uintptr(unsafe.Pointer(&c.idle)) }

// addressAfterThreads is where the nanokernel's largest table ends, and
// addressAfterTables where the others end: the linker puts them below.
func addressAfterThreads() uintptr {
	return uintptr(unsafe.Pointer(&threads)) + unsafe.Sizeof(threads)
}

func addressAfterTables() uintptr {
	return max(uintptr(unsafe.Pointer(&cpus))+unsafe.Sizeof(cpus), uintptr(unsafe.Pointer(&mm))+unsafe.Sizeof(mm))
}

var (
	_ [unsafe.Sizeof(threads) - unsafe.Sizeof(cpus)]byte
	_ [unsafe.Sizeof(threads) - unsafe.Sizeof(mm)]byte
)

func addressOfThread(t *Thread) uintptr { return uintptr(unsafe.Pointer(t)) }

func addressOfVDSO() uintptr { return uintptr(unsafe.Pointer(&goVDSO)) }
