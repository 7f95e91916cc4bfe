package metal

import "kevlar/machine/nk"

// firstMessage: all lines of ARM64 are wires.
const firstMessage = nk.MaxIRQ

// identify: the ID registers are read with the rest of the ARM64 half.
func (m *Metal) identify() {}

// findDevices: the device tree is read with the rest of the ARM64 half.
func (m *Metal) findDevices(problem func(error)) {}
