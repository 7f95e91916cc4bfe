package nk

import "kevlar/machine/vdso"

// Assembly.
func vdsoUserCode(p *[4]uintptr)

const (
	vdsoUserMachine = vdso.EMAARCH64
	vdsoUserVersion = "LINUX_2.6.39"
	vdsoSigReturn   = "__kernel_rt_sigreturn"
)

// vdsoUserNames are the names of the functions that vdsoUserCode finds (vdso(7)).
var vdsoUserNames = [...][]string{
	{"__kernel_clock_gettime"},
	{"__kernel_gettimeofday"},
	{"__kernel_clock_getres"},
	{vdsoSigReturn},
}

// vdsoUserClock is what the functions compute the time since boot from.
func vdsoUserClock() (start, mult uint64) { return vdsoClock.start, vdsoClock.mult }
