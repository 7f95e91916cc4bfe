package nk

import (
	"errors"

	"kevlar/machine/mmio"
)

// For machine/metal: what only x86-64 has.

// In8, In32, Out8 and Out32 access I/O ports.
func In8(port uint16) uint8       { return inb(port) }
func Out8(port uint16, v uint8)   { outb(port, v) }
func In32(port uint16) uint32     { return inl(port) }
func Out32(port uint16, v uint32) { outl(port, v) }

// Identify is the CPUID instruction.
func Identify(leaf, sub uint32) (a, b, c, d uint32) { return cpuid(leaf, sub) }

var errDeviceMemory = errors.New("device memory above 4 GiB is not mapped")

// DeviceMemory gives access to n bytes of device registers at physical address pa.
// They lie in the direct map, whose memory type the firmware's MTRRs settle.
func DeviceMemory(pa, n uint64) (mmio.Region, error) {
	if pa+n > boot.mapped || pa+n < pa {
		return mmio.Region{}, errDeviceMemory
	}
	return mmio.At(directBase+uintptr(pa), uintptr(n)), nil
}

// FirstMSI is the first interrupt line that has no pin: devices interrupt it by a
// message with MSIData, and it is not routed.
const FirstMSI = 96

// MSIData is what a device writes to the first CPU's message address to interrupt
// line n (SDM volume 3, section 11.11.2).
func MSIData(n int) uint32 { return uint32(vecDevice + n) }
