package nk

import "kevlar/machine/mem"

// Discovery: the PVH start info (xen/include/public/arch-x86/hvm/start_info.h), then
// ACPI's MADT, or QEMU's fw_cfg, or the MP table.

const (
	pvhMagic  = 0x336ec578
	com1      = 0x3f8
	lowMemory = 1 << 20 // firmware tables, trampoline
)

func direct(pa uint64) uintptr { return directBase + uintptr(pa) }

func archInit() {
	symbols(&place)
	earlyTraps()
	outb(com1+1, 0)
	outb(com1+3, 3)
	outb(com1+2, 7)
	outb(com1+4, 3)
	checkFeatures()
	boot.mapped = 4 << 30
	loadAPIC()
	startClocks()
	si := direct(startInfo)
	if load32(si) != pvhMagic {
		panicBoot("no PVH start info")
	}
	if pa := load64(si + 24); pa != 0 {
		setCmdline(direct(pa))
	}
	if load32(si+12) > 0 {
		m := direct(load64(si + 16))
		boot.initrd = region{load64(m), load64(m) + load64(m+8)}
	}
	if load32(si+4) >= 1 {
		const ram = 1
		for i, n := uintptr(0), uintptr(load32(si+48)); i < n; i++ {
			if e := direct(load64(si+40)) + i*24; load32(e+16) == ram {
				a := load64(e)
				addRAM(a, min(a+load64(e+8), 512<<30))
			}
		}
	}
	reserve(0, lowMemory)
	reserve(uint64(place.text&^pageMask-imageBase)-mem.PageSize, uint64(findTail(place.end)-imageBase))
	reserve(boot.initrd.start, boot.initrd.end)

	cpus[0].apicID = apicRead(0x20) >> 24
	_, _, _, d := cpuid(1, 0)
	boot.hwcap = uint64(d) // AT_HWCAP is CPUID.1:EDX
	findCPUs(load64(si + 32))
	if nioapic == 0 {
		addIOAPIC(0xfec00000, 0)
		addIOAPIC(0xfec10000, 24)
	}
}

// putc waits for the UART and sends b.
func putc(b byte) {
	for i := 0; inb(com1+5)&0x20 == 0 && i < 1_000_000; i++ {
	}
	outb(com1, b)
}

var (
	apicIDs [maxCPUs]uint32 // of the CPUs to start, without the boot CPU
	nAPIC   int

	pm1aControl  uint16 // ACPI, for power off
	sleepControl uint64
	sleepType    uint32 = 0
)

func addCPU(id uint32) {
	if id != cpus[0].apicID && id < 255 && nAPIC < maxCPUs-1 {
		apicIDs[nAPIC] = id
		nAPIC++
	}
}

func findCPUs(rsdp uint64) {
	if rsdp == 0 {
		rsdp = scan("RSD PTR ", 0xe0000, 0x20000)
	}
	if rsdp != 0 && readACPI(rsdp) {
		return
	}
	// QEMU's fw_cfg (docs/specs/fw_cfg): a selector and a data port. Before the MP
	// table, in which SeaBIOS lists one CPU per package.
	const sel, data, signature, cpus = 0x510, 0x511, 0, 5
	outw(sel, signature)
	if inb(data) == 'Q' && inb(data) == 'E' && inb(data) == 'M' && inb(data) == 'U' {
		outw(sel, cpus)
		n := uint32(inb(data))
		n |= uint32(inb(data)) << 8
		for id := uint32(0); id < n; id++ {
			addCPU(id)
		}
		return
	}
	if mp := scan("_MP_", 0xf0000, 0x10000) | scan("_MP_", 0x9fc00, 0x400); mp != 0 {
		readMP(mp)
	}
}

// scan looks for a signature on a 16-byte boundary.
func scan(s string, from, n uint64) uint64 {
	for pa := from; pa < from+n; pa += 16 {
		if signed(pa, s) {
			return pa
		}
	}
	return 0
}

func signed(pa uint64, s string) bool {
	for i := 0; i < len(s); i++ {
		if load8(direct(pa)+uintptr(i)) != s[i] {
			return false
		}
	}
	return true
}

// readACPI goes through RSDP and RSDT or XSDT (ACPI specification 6.5, section 5.2).
func readACPI(rsdp uint64) bool {
	root, size := uint64(load32(direct(rsdp)+16)), uint64(4)
	if load8(direct(rsdp)+15) >= 2 && load64(direct(rsdp)+24) != 0 {
		root, size = load64(direct(rsdp)+24), 8
	}
	found := false
	for p := root + 36; p < root+uint64(load32(direct(root)+4)); p += size {
		t := uint64(load32(direct(p)))
		if size == 8 {
			t = uint64(load32(direct(p))) | uint64(load32(direct(p)+4))<<32
		}
		if t == 0 || t >= boot.mapped {
			continue
		}
		switch {
		case signed(t, "APIC"):
			readMADT(t)
			found = true
		case signed(t, "FACP"):
			readFADT(t)
		}
	}
	return found
}

// readMADT: section 5.2.12.
func readMADT(t uint64) {
	end := t + uint64(load32(direct(t)+4))
	for p := t + 44; p+2 <= end; {
		e, n := direct(p), uint64(load8(direct(p)+1))
		if n < 2 {
			return
		}
		switch load8(e) {
		case 0: // local APIC: enabled, or it could be
			if load8(e+4)&1 != 0 {
				addCPU(uint32(load8(e + 3)))
			}
		case 1: // I/O APIC
			addIOAPIC(uint64(load32(e+4)), load32(e+8))
		case 2: // interrupt source override
			if i := load8(e + 3); i < 16 {
				overrides[i&15] = load32(e+4) + 1
				overrideFlags[i&15] = uint32(load8(e+8)) | uint32(load8(e+9))<<8
			}
		case 9: // local x2APIC
			if load32(e+8)&1 != 0 {
				addCPU(load32(e + 4))
			}
		}
		p += n
	}
}

// readFADT finds how to power off: section 5.2.9, and 4.8.3.7 for hardware-reduced
// machines. The sleep type stands in the DSDT's \_S5_ package.
func readFADT(t uint64) {
	pm1aControl = uint16(load32(direct(t) + 64))
	if n := load32(direct(t) + 4); n >= 256 {
		sleepControl = uint64(load32(direct(t)+244+4)) | uint64(load32(direct(t)+244+8))<<32
	}
	dsdt := uint64(load32(direct(t) + 40))
	if dsdt == 0 || dsdt >= boot.mapped {
		return
	}
	for p, end := dsdt+36, dsdt+uint64(load32(direct(dsdt)+4)); p+8 < end; p++ {
		if signed(p, "_S5_\x12") {
			if load8(direct(p)+7) == 0x0a { // a byte follows
				sleepType = uint32(load8(direct(p) + 8))
			}
			return
		}
	}
}

// readMP reads the MP configuration table (MultiProcessor Specification 1.4).
func readMP(mp uint64) {
	t := uint64(load32(direct(mp) + 4))
	if t == 0 || !signed(t, "PCMP") {
		return
	}
	n := uint32(load8(direct(t)+34)) | uint32(load8(direct(t)+35))<<8
	for p := t + 44; n > 0; n-- {
		e := direct(p)
		switch load8(e) {
		case 0:
			if load8(e+3)&1 != 0 {
				addCPU(uint32(load8(e + 1)))
			}
			p += 20
		case 2:
			if load8(e+3)&1 != 0 {
				addIOAPIC(uint64(load32(e+4)), 0)
			}
			p += 8
		default:
			p += 8
		}
	}
}

// powerOff ends the machine: with the status where isa-debug-exit is, by ACPI, or by
// a reset, which QEMU's -no-reboot makes an exit.
func powerOff(status int) {
	outb(0xf4, byte(status))
	const sleepEnable = 1 << 13
	if pm1aControl != 0 {
		outw(pm1aControl, uint16(sleepType)<<10|sleepEnable)
	}
	if sleepControl != 0 && sleepControl < boot.mapped {
		store8(direct(sleepControl), byte(sleepType<<2|1<<5))
	}
	reboot()
}

func reboot() {
	outb(0x64, 0xfe) // the keyboard controller's pulse
	outb(0xcf9, 6)
	tripleFault(&noIDT)
	halt()
}

// noIDT has no gates.
var noIDT [10]byte
