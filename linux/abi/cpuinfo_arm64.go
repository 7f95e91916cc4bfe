package abi

import (
	"fmt"
	"io"
	"strings"

	"kevlar/machine"
)

// CPUInfo writes what /proc/cpuinfo says of one of n CPUs. BogoMIPS follow from the timer's
// frequency, as on Linux.
func CPUInfo(w io.Writer, m *machine.Info, cpu, n int) {
	fmt.Fprintf(w, "processor\t: %d\nBogoMIPS\t: %.2f\nFeatures\t: %s\n", cpu, 2*float64(m.ClockHz)/1e6, strings.Join(m.Features, " "))
	id := m.CPUInfo
	fmt.Fprintf(w, "CPU implementer\t: %#02x\nCPU architecture: 8\nCPU variant\t: %#x\nCPU part\t: %#03x\nCPU revision\t: %d\n\n", id[0], id[1], id[3], id[4])
}
