package abi

import (
	"golang.org/x/sys/unix"

	"kevlar/machine"
)

// ArchPrctl is arch_prctl(2), which this architecture lacks.
func ArchPrctl(*machine.Regs, int, uint64) (v uint64, get bool, err error) {
	return 0, false, unix.ENOSYS
}
