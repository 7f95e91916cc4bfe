//go:build amd64

package nk

import (
	"unsafe"

	"kevlar/machine"
)

// Addresses of static tables, for descriptors and registers.

func addressOfCPU(c *CPU) uintptr      { return uintptr(unsafe.Pointer(c)) }
func addressOfTSS(c *CPU) uint64       { return uint64(uintptr(unsafe.Pointer(&c.tss))) }
func addressOfGDT(c *CPU) uintptr      { return uintptr(unsafe.Pointer(&c.gdt)) }
func addressOfIDT() uintptr            { return uintptr(unsafe.Pointer(&idt)) }
func addressOfWords(p *uint64) uintptr { return uintptr(unsafe.Pointer(p)) }

// userRegs is machine.Regs as this package uses it.
type userRegs struct {
	gprs
	fx    [832]byte
	fpcpu uint32
	kick  uint32

	userTicks, kernelTicks uint64

	onlyCPU uint32
}

// The two have one layout.
var (
	_ [unsafe.Offsetof(userRegs{}.fx) - unsafe.Offsetof(machine.Regs{}.FX)]byte
	_ [unsafe.Offsetof(machine.Regs{}.FX) - unsafe.Offsetof(userRegs{}.fx)]byte
	_ [unsafe.Offsetof(userRegs{}.kick) - unsafe.Offsetof(machine.Regs{}.Kick)]byte
	_ [unsafe.Offsetof(machine.Regs{}.Kick) - unsafe.Offsetof(userRegs{}.kick)]byte
	_ [unsafe.Offsetof(userRegs{}.kernelTicks) - unsafe.Offsetof(machine.Regs{}.KernelTicks)]byte
	_ [unsafe.Offsetof(machine.Regs{}.KernelTicks) - unsafe.Offsetof(userRegs{}.kernelTicks)]byte
	_ [unsafe.Offsetof(userRegs{}.onlyCPU) - unsafe.Offsetof(machine.Regs{}.OnlyCPU)]byte
	_ [unsafe.Offsetof(machine.Regs{}.OnlyCPU) - unsafe.Offsetof(userRegs{}.onlyCPU)]byte
	_ [unsafe.Offsetof(gprs{}.gs) - unsafe.Offsetof(machine.Regs{}.GS)]byte
	_ [unsafe.Offsetof(machine.Regs{}.GS) - unsafe.Offsetof(gprs{}.gs)]byte
	// The XSAVE image is 64-byte aligned in an object of this size.
	_ [-(unsafe.Offsetof(userRegs{}.fx) % 64)]byte
	_ [-(unsafe.Sizeof(machine.Regs{}) % 128)]byte
)

func regsOf(r *machine.Regs) *userRegs  { return (*userRegs)(unsafe.Pointer(r)) }
func regsAt(p uintptr) *userRegs        { return (*userRegs)(ptr(p)) }
func addressOfUser(r *userRegs) uintptr { return uintptr(unsafe.Pointer(r)) }
