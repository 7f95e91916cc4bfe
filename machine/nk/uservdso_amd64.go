package nk

import "kevlar/machine/vdso"

// Assembly.
func vdsoUserCode(p *[5]uintptr)

const (
	vdsoUserMachine = vdso.EMX8664
	vdsoUserVersion = "LINUX_2.6"
	vdsoSigReturn   = "" // C libraries bring their own
)

// vdsoUserNames are the names of the functions that vdsoUserCode finds (vdso(7)).
var vdsoUserNames = [...][]string{
	{"__vdso_clock_gettime", "clock_gettime"},
	{"__vdso_gettimeofday", "gettimeofday"},
	{"__vdso_clock_getres", "clock_getres"},
	{"__vdso_time", "time"},
	{"__vdso_getcpu", "getcpu"},
}

// vdsoUserClock is what the functions compute the time since boot from.
func vdsoUserClock() (start, mult uint64) { return bootTSC, tscMult }
