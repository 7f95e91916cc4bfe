package nk

import (
	"unsafe"

	"kevlar/machine"
	"kevlar/machine/mem"
)

// Addresses of objects that the caller keeps alive, and that do not move, for the
// duration of a private call: they escape to the heap or are on the stack of a
// goroutine that is inside the call.

func addressOfRegs(r *machine.Regs) uintptr { return uintptr(unsafe.Pointer(r)) }
func addressOfFrames(f []mem.Frame) uintptr { return uintptr(unsafe.Pointer(&f[0])) }
func addressOfIRQs(s *IRQs) uintptr         { return uintptr(unsafe.Pointer(s)) }

// textAt is n bytes of the kernel's code from p on, which never changes.
func textAt(p, n uintptr) []byte { return unsafe.Slice((*byte)(ptr(p)), n) }

func physical(pa, n uint64) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(ptr(directBase+uintptr(pa))), n)
}
