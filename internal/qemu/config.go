// Package qemu starts QEMU virtual machines and talks to them: the command line
// that fits an architecture and machine type, the process's life, the serial log
// and byte streams to the guest. It knows nothing of what runs inside; package vm
// builds runs of a kernel and a program on top of it.
package qemu

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"kevlar/internal/arch"
	"kevlar/internal/debian"
)

// Machine types.
const (
	Q35     = "q35"     // amd64: a PC with PCI
	MicroVM = "microvm" // amd64: virtio-mmio and a serial port, little else
	Virt    = "virt"    // arm64
)

// Config describes a virtual machine.
type Config struct {
	Arch    arch.Arch
	Machine string // "" for the architecture's default
	CPU     string // CPU model, "" for the default
	CPUs    int    // at least 1
	Memory  int64  // bytes
	GIC     int    // arm64: version of the interrupt controller, 0 for the default

	Kernel  string   // path of the kernel image
	Initrd  string   // path of the initial RAM disk, "" for none
	Append  string   // kernel command line
	ACPI    bool     // describe a microvm in ACPI tables instead of on the command line
	PCI     bool     // arm64: virtio devices on PCI instead of virtio-mmio
	Disks   []Disk   // vda, vdb, ...
	Console bool     // with a virtio console, VM.Console
	Ports   []string // named byte streams, VM.Port

	Args []string // more arguments for QEMU, last
}

// Disk is a raw image that the machine sees as a block device.
type Disk struct {
	Path     string
	ReadOnly bool
}

// DefaultMachine is the machine type where none is chosen.
func DefaultMachine(a arch.Arch) string {
	if a == arch.ARM64 {
		return Virt
	}
	return MicroVM
}

// Machines lists the machine types of an architecture.
func Machines(a arch.Arch) []string {
	if a == arch.ARM64 {
		return []string{Virt}
	}
	return []string{MicroVM, Q35}
}

// Tool is QEMU for an architecture's machines, and the package that has it.
func Tool(a arch.Arch) debian.Tool {
	if a == arch.ARM64 {
		return debian.Tool{Program: a.QEMU(), Package: "qemu-system-arm"}
	}
	return debian.Tool{Program: a.QEMU(), Package: "qemu-system-x86"}
}

// Accelerator is how QEMU runs the guest's instructions on this host: "kvm" or
// "hvf" on the processor itself, "tcg" by translation.
func Accelerator(a arch.Arch) string {
	if string(a) != runtime.GOARCH {
		return "tcg"
	}
	switch runtime.GOOS {
	case "linux":
		if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err == nil {
			f.Close()
			return "kvm"
		}
	case "darwin":
		return "hvf"
	}
	return "tcg"
}

// check completes c with defaults and says what is wrong with it.
func (c *Config) check() error {
	if c.Machine == "" {
		c.Machine = DefaultMachine(c.Arch)
	}
	known := false
	for _, m := range Machines(c.Arch) {
		known = known || m == c.Machine
	}
	if !known {
		return fmt.Errorf("machine %q is not one of %s's: %s", c.Machine, c.Arch, strings.Join(Machines(c.Arch), ", "))
	}
	if c.CPUs < 1 {
		return fmt.Errorf("a machine with %d CPUs: want at least 1", c.CPUs)
	}
	if c.Memory < 1<<20 {
		return fmt.Errorf("a machine with %d bytes of memory: want at least 1M", c.Memory)
	}
	if c.GIC != 0 && c.Arch != arch.ARM64 {
		return fmt.Errorf("%s has no GIC", c.Arch)
	}
	if c.GIC != 0 && c.GIC != 2 && c.GIC != 3 {
		return fmt.Errorf("GIC version %d: want 2 or 3", c.GIC)
	}
	files := []string{c.Kernel}
	if c.Initrd != "" {
		files = append(files, c.Initrd)
	}
	for _, d := range c.Disks {
		files = append(files, d.Path)
	}
	for _, f := range files {
		if _, err := os.Stat(f); err != nil {
			return err
		}
	}
	return nil
}

// args is QEMU's command line. The serial port is on its standard output; the
// console and the ports, in this order, are on file descriptors from firstFD on.
func (c *Config) args(accel string, firstFD int) []string {
	a := []string{
		"-no-user-config", "-nodefaults", "-no-reboot",
		"-display", "none", "-monitor", "none",
		"-machine", c.machine(), "-accel", accel, "-cpu", c.cpu(accel),
		"-smp", strconv.Itoa(c.CPUs),
		"-m", strconv.FormatInt(c.Memory>>20, 10) + "M",
		"-kernel", c.Kernel,
		"-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial",
	}
	if c.Initrd != "" {
		a = append(a, "-initrd", c.Initrd)
	}
	if c.Append != "" {
		a = append(a, "-append", c.Append)
	}
	if c.Arch == arch.AMD64 {
		a = append(a, "-device", "isa-debug-exit,iobase=0xf4,iosize=0x4")
	} else {
		a = append(a, "-semihosting-config", "enable=on,target=native")
	}

	bus := "device" // a virtio-mmio transport
	if c.Machine == Q35 || c.PCI {
		bus = "pci"
	} else {
		a = append(a, "-global", "virtio-mmio.force-legacy=false")
	}
	a = append(a, "-device", "virtio-rng-"+bus)
	for i, d := range c.Disks {
		drive := fmt.Sprintf("if=none,id=disk%d,format=raw,file=%s", i, strings.ReplaceAll(d.Path, ",", ",,"))
		if d.ReadOnly {
			drive += ",readonly=on"
		}
		a = append(a, "-drive", drive, "-device", fmt.Sprintf("virtio-blk-%s,drive=disk%d", bus, i))
	}
	if c.Console || len(c.Ports) > 0 {
		a = append(a, "-device", "virtio-serial-"+bus)
	}
	fd := firstFD
	if c.Console {
		a = append(a, "-chardev", fmt.Sprintf("socket,id=console,fd=%d", fd), "-device", "virtconsole,chardev=console")
		fd++
	}
	for i, name := range c.Ports {
		a = append(a,
			"-chardev", fmt.Sprintf("socket,id=port%d,fd=%d", i, fd),
			"-device", fmt.Sprintf("virtserialport,chardev=port%d,name=%s", i, name))
		fd++
	}
	return append(a, c.Args...)
}

func (c *Config) machine() string {
	switch c.Machine {
	case MicroVM:
		m := "microvm,rtc=on"
		if !c.ACPI {
			m += ",acpi=off"
		}
		return m
	case Virt:
		m := "virt"
		if c.GIC != 0 {
			m += fmt.Sprintf(",gic-version=%d", c.GIC)
		}
		return m + ",acpi=off" // there is no firmware that would show the tables
	}
	return c.Machine
}

func (c *Config) cpu(accel string) string {
	switch {
	case c.CPU != "":
		return c.CPU
	case accel != "tcg":
		return "host"
	case c.Arch == arch.ARM64:
		// Not max: it computes pointer authentication very slowly under emulation.
		return "cortex-a72"
	}
	return "max"
}
