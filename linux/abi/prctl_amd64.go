package abi

import (
	"golang.org/x/sys/unix"

	"kevlar/machine"
	"kevlar/machine/pgtable"
)

// Codes of arch_prctl(2).
const (
	archSetGS    = 0x1001
	archSetFS    = 0x1002
	archGetFS    = 0x1003
	archGetGS    = 0x1004
	archGetCPUID = 0x1011
	archSetCPUID = 0x1012
)

// ArchPrctl is arch_prctl(2) on the registers of a program: for a code that asks, get is
// true and v is to be written where addr points, else v is the result. EPERM for a base outside of user
// memory, EINVAL for other codes.
func ArchPrctl(r *machine.Regs, code int, addr uint64) (v uint64, get bool, err error) {
	switch code {
	case archSetGS, archSetFS:
		if addr >= pgtable.UserEnd {
			return 0, false, unix.EPERM
		}
		if code == archSetGS {
			r.GS = addr
		} else {
			r.FS = addr
		}
		return 0, false, nil
	case archGetFS:
		return r.FS, true, nil
	case archGetGS:
		return r.GS, true, nil
	case archGetCPUID:
		return 1, false, nil // programs may execute CPUID
	case archSetCPUID:
		return 0, false, unix.ENODEV // the CPU cannot make CPUID fault
	}
	return 0, false, unix.EINVAL
}
