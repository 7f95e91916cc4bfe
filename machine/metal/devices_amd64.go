package metal

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"kevlar/machine/mmio"
	"kevlar/machine/nk"
	"kevlar/machine/pci"
	"kevlar/machine/serial"
	"kevlar/machine/virtio"
)

// identify fills the part of Info that CPUID tells (SDM volume 2, CPUID).
func (m *Metal) identify() {
	var b [12]byte
	top, v0, v2, v1 := nk.Identify(0, 0)
	for i, v := range []uint32{v0, v1, v2} {
		binary.LittleEndian.PutUint32(b[4*i:], v)
	}
	m.info.Vendor = string(b[:])
	sig, _, c1, d1 := nk.Identify(1, 0)
	family, model := sig>>8&15, sig>>4&15
	if family == 15 {
		family += sig >> 20 & 0xff
	}
	if family >= 6 {
		model |= sig >> 16 & 15 << 4
	}
	m.info.CPUInfo = [5]uint32{family, model, sig & 15, top}
	m.info.HWCap = uint64(d1)
	last, _, _, _ := nk.Identify(0x80000000, 0)
	if last >= 0x80000006 {
		_, _, c6, _ := nk.Identify(0x80000006, 0)
		m.info.CPUInfo[4] = c6 >> 16
	}
	if last >= 0x80000004 {
		var brand []byte
		for leaf := uint32(0x80000002); leaf <= 0x80000004; leaf++ {
			a, b, c, d := nk.Identify(leaf, 0)
			for _, v := range []uint32{a, b, c, d} {
				brand = binary.LittleEndian.AppendUint32(brand, v)
			}
		}
		m.info.CPUModel = strings.TrimSpace(strings.TrimRight(string(brand), "\x00"))
	}
	var b7 uint32
	if top >= 7 {
		_, b7, _, _ = nk.Identify(7, 0)
	}
	_, _, c81, d81 := nk.Identify(0x80000001, 0)
	for _, set := range []struct {
		bits  uint32
		names string // from bit 0 on; "-" is a bit without a name here
	}{
		{d1, "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"},
		{d81, "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow"},
		{c1, "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor"},
		{c81, "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch"},
		{b7, "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm - - - - - - rdseed adx smap"},
	} {
		for i, name := range strings.Fields(set.names) {
			if name != "-" && set.bits>>i&1 != 0 {
				m.info.Features = append(m.info.Features, name)
			}
		}
	}
}

// ports gives a 16550 access to its registers by I/O port.
type ports uint16

func (p ports) Read8(off uintptr) uint8     { return nk.In8(uint16(p) + uint16(off)) }
func (p ports) Write8(off uintptr, v uint8) { nk.Out8(uint16(p)+uint16(off), v) }

const (
	com1    = 0x3f8
	com1IRQ = 4
)

func (m *Metal) findDevices(problem func(error)) {
	com := serial.NewNS16550("ttyS0", ports(com1))
	m.devices.Serial = append(m.devices.Serial, com)
	if err := m.HandleIRQ(com1IRQ, false, com.Interrupt); err != nil {
		problem(fmt.Errorf("ttyS0: %w", err))
	}
	for _, w := range strings.Fields(m.info.Cmdline) {
		if v, ok := strings.CutPrefix(w, "virtio_mmio.device="); ok {
			if err := m.addMMIO(v); err != nil {
				problem(fmt.Errorf("%s: %w", w, err))
			}
		}
	}
	next := nk.FirstMSI
	for _, f := range pci.Scan(portConfig{}, 0) {
		if !virtio.IsPCI(f) {
			continue
		}
		if err := m.addPCI(f, &next); err != nil {
			problem(err)
		}
	}
}

// addMMIO adds a device announced as SIZE@BASE:IRQ, as Linux's virtio_mmio module
// takes it.
func (m *Metal) addMMIO(spec string) error {
	sizeText, rest, _ := strings.Cut(spec, "@")
	baseText, rest, _ := strings.Cut(rest, ":")
	irqText, _, _ := strings.Cut(rest, ":")
	unit := uint64(1)
	if s, ok := strings.CutSuffix(strings.ToUpper(sizeText), "K"); ok {
		sizeText, unit = s, 1024
	}
	size, err1 := strconv.ParseUint(sizeText, 0, 32)
	base, err2 := strconv.ParseUint(baseText, 0, 64)
	irq, err3 := strconv.ParseUint(irqText, 0, 16)
	if err1 != nil || err2 != nil || err3 != nil || size*unit < 0x100 {
		return fmt.Errorf("want SIZE@BASE:IRQ")
	}
	r, err := nk.DeviceMemory(base, size*unit)
	if err != nil {
		return err
	}
	t, err := virtio.MMIO(r, base)
	if err != nil || t == nil {
		return err
	}
	return m.addVirtio(t, func(h func()) error { return m.HandleIRQ(int(irq), true, h) })
}

// addPCI adds the device at f, which firmware has given addresses, with an MSI-X
// message as its line.
func (m *Metal) addPCI(f *pci.Function, next *int) error {
	var failed error
	mapBAR := func(pa, n uint64) (r mmio.Region) {
		if r, failed = nk.DeviceMemory(pa, n); failed != nil {
			failed = fmt.Errorf("pci %v: %w", f.Address, failed)
		}
		return r
	}
	n := *next
	*next++
	f.Enable()
	msix := f.EnableMSIX(msiAddress, nk.MSIData(n), mapBAR)
	if failed != nil {
		return failed
	}
	if !msix {
		return fmt.Errorf("pci %v: the device has no MSI-X", f.Address)
	}
	t, err := virtio.PCI(f, true, mapBAR)
	if failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	return m.addVirtio(t, func(h func()) error { return m.HandleIRQ(n, false, h) })
}

// firstMessage is the first interrupt line that devices interrupt by messages.
const firstMessage = nk.FirstMSI

// msiAddress is where a device writes a message for the first CPU (SDM volume 3,
// section 11.11).
const msiAddress = 0xfee0_0000

// portConfig is configuration mechanism 1 (PCI 3.0, 3.2.2.3.2): ports 0xcf8 and
// 0xcfc. Only one goroutine uses it, at boot.
type portConfig struct{}

func (portConfig) address(a pci.Address, off uint16) {
	nk.Out32(0xcf8, 1<<31|uint32(a.Bus)<<16|uint32(a.Dev)<<11|uint32(a.Fn)<<8|uint32(off&0xfc))
}

func (c portConfig) Read32(a pci.Address, off uint16) uint32 {
	if off >= 256 {
		return ^uint32(0)
	}
	c.address(a, off)
	return nk.In32(0xcfc)
}

func (c portConfig) Write32(a pci.Address, off uint16, v uint32) {
	if off < 256 {
		c.address(a, off)
		nk.Out32(0xcfc, v)
	}
}
