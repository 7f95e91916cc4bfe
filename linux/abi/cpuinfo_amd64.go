package abi

import (
	"fmt"
	"io"
	"strings"

	"kevlar/machine"
)

// CPUInfo writes what /proc/cpuinfo says of one of n CPUs. What the machine does not tell
// of itself (microcode) is left out.
func CPUInfo(w io.Writer, m *machine.Info, cpu, n int) {
	mhz := float64(m.ClockHz) / 1e6
	fmt.Fprintf(w, "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %d\nmodel\t\t: %d\nmodel name\t: %s\nstepping\t: %d\n",
		cpu, m.Vendor, m.CPUInfo[0], m.CPUInfo[1], m.CPUModel, m.CPUInfo[2])
	fmt.Fprintf(w, "cpu MHz\t\t: %.3f\ncache size\t: %d KB\nphysical id\t: 0\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\napicid\t\t: %d\ninitial apicid\t: %d\n",
		mhz, m.CPUInfo[4], n, cpu, n, cpu, cpu)
	fmt.Fprintf(w, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %d\nwp\t\t: yes\nflags\t\t: %s\nbugs\t\t:\n", m.CPUInfo[3], strings.Join(m.Features, " "))
	fmt.Fprintf(w, "bogomips\t: %.2f\nclflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: 46 bits physical, 48 bits virtual\npower management:\n\n",
		2*mhz)
}
