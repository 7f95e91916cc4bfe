// Package arch names the architectures that Kevlar runs on, as the tools around
// it spell them. It is for the host side: the kernel itself never names one.
package arch

import (
	"fmt"
	"runtime"
)

// Arch is an architecture, spelled as Go does.
type Arch string

const (
	AMD64 Arch = "amd64"
	ARM64 Arch = "arm64"
)

// All lists the architectures, in the order of reports.
var All = []Arch{ARM64, AMD64}

// Parse reads an architecture's name: Go's, the kernel's or the ELF world's.
func Parse(s string) (Arch, error) {
	switch s {
	case "amd64", "x86_64", "x86-64", "x64":
		return AMD64, nil
	case "arm64", "aarch64":
		return ARM64, nil
	}
	return "", fmt.Errorf("unknown architecture %q: want amd64 or arm64", s)
}

// Host is the architecture that this program runs on, or AMD64 where Kevlar has
// no port to it.
func Host() Arch {
	if a, err := Parse(runtime.GOARCH); err == nil {
		return a
	}
	return AMD64
}

// UnmarshalText lets flags of this type be parsed.
func (a *Arch) UnmarshalText(text []byte) error {
	v, err := Parse(string(text))
	if err == nil {
		*a = v
	}
	return err
}

// Debian is the name of the architecture in Debian's archive.
func (a Arch) Debian() string { return string(a) }

// Machine is what uname -m says.
func (a Arch) Machine() string {
	if a == ARM64 {
		return "aarch64"
	}
	return "x86_64"
}

// QEMU is the name of the system emulator's program.
func (a Arch) QEMU() string { return "qemu-system-" + a.Machine() }

// CC is the C compiler that makes programs for the architecture on this host.
func (a Arch) CC() string {
	if a == Host() {
		return "gcc"
	}
	return a.Machine() + "-linux-gnu-gcc"
}
