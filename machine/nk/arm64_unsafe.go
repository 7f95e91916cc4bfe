//go:build arm64

package nk

import (
	"unsafe"

	"kevlar/machine"
)

// bytesAt is memory outside of the Go heap as a slice.
func bytesAt(p, n uintptr) []byte { return unsafe.Slice((*byte)(ptr(p)), n) }

func addressOfByte(p *byte) uintptr           { return uintptr(unsafe.Pointer(p)) }
func addressOfG(c *CPU) uintptr               { return uintptr(unsafe.Pointer(&c.gMem)) }
func bootTable() *byte                        { return (*byte)(ptr(bootTablesAddress())) }
func addressOfSpace(s *machine.Space) uintptr { return uintptr(unsafe.Pointer(s)) }

// See addressAfterTables.
var _ [unsafe.Sizeof(threads) - unsafe.Sizeof(directTables)]byte
