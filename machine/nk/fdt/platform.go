package fdt

// Capacities of a Platform. What exceeds them is left out.
const (
	maxMemory   = 16
	maxReserved = 32
	maxCPUs     = 64
	maxRedist   = 8
	maxVirtIO   = 64
	maxPCILines = 16
)

// Platform is what a kernel needs to know of an ARM64 machine before it has
// drivers. It has no pointers; Bytes gets at the strings.
type Platform struct {
	Memory   [maxMemory]Range
	Reserved [maxReserved]Range
	Initrd   Range
	Cmdline  Span // of /chosen
	Model    Span
	Seed     Span // /chosen's rng-seed

	CPUs   [maxCPUs]uint64 // MPIDR_EL1's affinity fields, the tree's first CPU first
	Method Conduit         // how firmware is called
	CPUOn  uint32          // PSCI function numbers
	PSCI   bool            // version 0.2 or later: SYSTEM_OFF and SYSTEM_RESET exist

	GIC    int // version: 2, 3, or 0 for an unknown controller
	Dist   Range
	CPUIf  Range            // GICv2
	Redist [maxRedist]Range // GICv3
	Stride uint64           // GICv3: bytes from one redistributor to the next, 0 for the default

	Timer  Interrupt // of the virtual timer
	UART   Device
	UARTIs UARTKind
	RTC    Device // PL031
	PCI    PCIHost
	VirtIO [maxVirtIO]Device

	NMemory, NReserved, NCPU, NRedist, NVirtIO int
}

// Span is a property's value in the blob.
type Span struct{ Off, Len int }

// Conduit is the instruction that calls firmware.
type Conduit uint8

const (
	NoFirmware Conduit = iota
	HVC
	SMC
)

// UARTKind is a serial port's programming model.
type UARTKind uint8

const (
	NoUART UARTKind = iota
	PL011
	NS16550 // 8-bit registers, one byte apart
)

// Interrupt is an interrupt in the GIC's numbering (INTID).
type Interrupt struct {
	ID   uint32 // 0 for none
	Edge bool   // edge triggered, else level
}

// Device is a device with registers and an interrupt.
type Device struct {
	Range
	IRQ Interrupt
}

// PCIHost is a generic host bridge (IEEE 1275's PCI bus binding, Linux's
// bindings/pci/host-generic-pci.yaml).
type PCIHost struct {
	Config Range // ECAM
	Window Range // for memory that 32 bits address, at the same addresses on the bus
	Lines  [maxPCILines]PCILine
	NLines int
	Mask   PCILine // what of a function counts in Lines
}

// PCILine says where a function's interrupt pin is wired to.
type PCILine struct {
	Function uint32 // bus, device and function, from bit 16, 11 and 8 on
	Pin      uint32 // 1 to 4
	IRQ      Interrupt
}

// Line is the interrupt that a pin of a function raises, none where nothing says so.
func (h *PCIHost) Line(bus, dev, fn uint8, pin int) Interrupt {
	f := (uint32(bus)<<16 | uint32(dev)<<11 | uint32(fn)<<8) & h.Mask.Function
	for _, l := range h.Lines[:h.NLines] {
		if l.Function == f && l.Pin == uint32(pin)&h.Mask.Pin {
			return l.IRQ
		}
	}
	return Interrupt{}
}

// Bytes is the value that s stands for.
func (t Tree) Bytes(s Span) []byte {
	if s.Off < 0 || s.Len < 0 || s.Off > len(t.blob) || s.Len > len(t.blob)-s.Off {
		return nil
	}
	return t.blob[s.Off : s.Off+s.Len]
}

// span is where n's property has its value.
func (t Tree) span(n Node, name string) Span {
	v, ok := t.Prop(n, name)
	if !ok {
		return Span{}
	}
	return Span{cap(t.blob) - cap(v), len(v)} // v is a slice of blob
}

// Text is the span of a string without the NUL at its end.
func (t Tree) text(n Node, name string) Span {
	s := t.span(n, name)
	for i, c := range t.Bytes(s) {
		if c == 0 {
			s.Len = i
			break
		}
	}
	return s
}

// interrupt is the i'th interrupt of n in the GIC's three-cell binding: kind,
// number, flags (Linux's Documentation/devicetree/bindings/interrupt-controller/arm,gic.yaml).
func (t Tree) interrupt(n Node, i int) (irq Interrupt) {
	v, _ := t.Prop(n, "interrupts")
	if len(v)/12 <= i {
		return irq
	}
	return interruptAt(v, 12*i)
}

// interruptAt reads the three cells at off.
func interruptAt(v []byte, off int) (irq Interrupt) {
	kind, number, flags := word(v, off), word(v, off+4), word(v, off+8)
	switch {
	case kind == 0 && number < 988: // SPI
		irq.ID = 32 + number
	case kind == 1 && number < 16: // PPI
		irq.ID = 16 + number
	}
	irq.Edge = flags&3 != 0
	return irq
}

// device is the walk's node with its first registers and interrupt.
func (t Tree) device(w *Walk) (d Device) {
	d.Range, _ = t.Reg(w, 0)
	d.IRQ = t.interrupt(w.Node, 0)
	return d
}

// Platform fills p from the tree.
func (t Tree) Platform(p *Platform) {
	*p = Platform{}
	root := t.Root()
	p.Model = t.text(root, "model")
	for i := 0; p.NReserved < maxReserved; i++ {
		r, ok := t.Reservation(i)
		if !ok {
			break
		}
		p.reserve(r)
	}
	chosen := t.child(root, []byte("chosen"))
	p.chosen(t, chosen)
	path, _ := t.Prop(chosen, "stdout-path")
	stdout := t.Find(path)

	var w Walk
	gic, bridge := None, None
	for t.Next(&w) {
		n := w.Node
		if t.Is(n, "device_type", "memory") && t.Enabled(n) {
			for i := 0; p.NMemory < maxMemory; i++ {
				r, ok := t.Reg(&w, i)
				if !ok {
					break
				}
				if r.Size != 0 {
					p.Memory[p.NMemory] = r
					p.NMemory++
				}
			}
			continue
		}
		if w.Depth == 2 && string(t.Name(w.Ancestor(1))) == "reserved-memory" && t.Enabled(n) {
			for i := 0; ; i++ {
				r, ok := t.Reg(&w, i)
				if !ok {
					break
				}
				p.reserve(r)
			}
			continue
		}
		if w.Depth == 2 && string(t.Name(w.Ancestor(1))) == "cpus" && t.Is(n, "device_type", "cpu") && t.Enabled(n) {
			if v, ok := t.Prop(n, "reg"); ok && p.NCPU < maxCPUs {
				ac, _ := t.cells(w.Ancestor(1))
				p.CPUs[p.NCPU] = number(v, 0, min(ac, 2)) & 0xff_00ff_ffff
				p.NCPU++
			}
			continue
		}
		if !t.Enabled(n) {
			continue
		}
		switch {
		case t.Is(n, "compatible", "arm,psci-0.2") || t.Is(n, "compatible", "arm,psci-1.0") || t.Is(n, "compatible", "arm,psci"):
			p.psci(t, n)
		case t.Is(n, "compatible", "arm,gic-v3"):
			gic = n
			p.gicv3(t, &w)
		case t.Is(n, "compatible", "arm,cortex-a15-gic") || t.Is(n, "compatible", "arm,gic-400") || t.Is(n, "compatible", "arm,cortex-a9-gic"):
			if p.GIC == 0 {
				gic = n
				p.GIC = 2
				p.Dist, _ = t.Reg(&w, 0)
				p.CPUIf, _ = t.Reg(&w, 1)
			}
		case t.Is(n, "compatible", "arm,armv8-timer"):
			p.Timer = t.interrupt(n, 2) // secure, non-secure, virtual, hypervisor
		case t.Is(n, "compatible", "arm,pl011"):
			p.uart(t, &w, PL011, n == stdout)
		case t.Is(n, "compatible", "ns16550a"):
			p.uart(t, &w, NS16550, n == stdout)
		case t.Is(n, "compatible", "arm,pl031"):
			p.RTC = t.device(&w)
		case t.Is(n, "compatible", "pci-host-ecam-generic"):
			bridge = n
			p.PCI.Config, _ = t.Reg(&w, 0)
		case t.Is(n, "compatible", "virtio,mmio"):
			if d := t.device(&w); d.Size != 0 && p.NVirtIO < maxVirtIO {
				p.VirtIO[p.NVirtIO] = d
				p.NVirtIO++
			}
		}
	}
	if bridge != None && gic != None {
		p.PCI.windows(t, bridge)
		p.PCI.interrupts(t, bridge, gic)
	}
}

// windows finds the memory window in the bridge's ranges: address on the bus in three
// cells, of which the first tells the kind, address for the CPU and size in two each.
func (h *PCIHost) windows(t Tree, bridge Node) {
	const kinds, memory32 = 3 << 24, 2 << 24
	v, _ := t.Prop(bridge, "ranges")
	for i := 0; i+7 <= len(v)/4; i += 7 {
		bus, cpu := number(v, i+1, 2), number(v, i+3, 2)
		if word(v, 4*i)&kinds == memory32 && bus == cpu {
			h.Window = Range{cpu, number(v, i+5, 2)}
			return
		}
	}
}

// interrupts reads the bridge's interrupt-map as far as it leads to gic: function in three
// cells and pin, the controller and its unit address, an interrupt as the controller has them.
func (h *PCIHost) interrupts(t Tree, bridge, gic Node) {
	v, _ := t.Prop(bridge, "interrupt-map")
	unit := min(int(t.Word(gic, "#address-cells", 0, 0)), 2)
	cells := 3 + 1 + 1 + unit + 3
	h.Mask = PCILine{Function: t.Word(bridge, "interrupt-map-mask", 0, ^uint32(0)), Pin: t.Word(bridge, "interrupt-map-mask", 3, ^uint32(0))}
	for i := 0; i+cells <= len(v)/4 && h.NLines < maxPCILines; i += cells {
		if word(v, 4*(i+4)) != t.Word(gic, "phandle", 0, 0) {
			return
		}
		h.Lines[h.NLines] = PCILine{word(v, 4*i) & h.Mask.Function, word(v, 4*(i+3)) & h.Mask.Pin, interruptAt(v, 4*(i+5+unit))}
		h.NLines++
	}
}

func (p *Platform) reserve(r Range) {
	if r.Size != 0 && p.NReserved < maxReserved {
		p.Reserved[p.NReserved] = r
		p.NReserved++
	}
}

func (p *Platform) chosen(t Tree, n Node) {
	p.Cmdline = t.text(n, "bootargs")
	p.Seed = t.span(n, "rng-seed")
	from, ok1 := t.Prop(n, "linux,initrd-start")
	to, ok2 := t.Prop(n, "linux,initrd-end")
	if ok1 && ok2 {
		start, end := number(from, 0, min(len(from)/4, 2)), number(to, 0, min(len(to)/4, 2))
		if start < end {
			p.Initrd = Range{start, end - start}
		}
	}
}

// psci reads the firmware node (bindings/arm/psci.yaml). Version 0.1 gives its own
// function numbers; later versions use those of the PSCI specification.
func (p *Platform) psci(t Tree, n Node) {
	switch {
	case t.Is(n, "method", "hvc"):
		p.Method = HVC
	case t.Is(n, "method", "smc"):
		p.Method = SMC
	default:
		return
	}
	p.PSCI = !t.Is(n, "compatible", "arm,psci") ||
		t.Is(n, "compatible", "arm,psci-0.2") || t.Is(n, "compatible", "arm,psci-1.0")
	p.CPUOn = t.Word(n, "cpu_on", 0, 0)
	if p.PSCI {
		p.CPUOn = 0xc400_0003
	}
}

func (p *Platform) gicv3(t Tree, w *Walk) {
	p.GIC = 3
	p.Dist, _ = t.Reg(w, 0)
	p.NRedist = 0
	for n := int(t.Word(w.Node, "#redistributor-regions", 0, 1)); p.NRedist < min(n, maxRedist); p.NRedist++ {
		r, ok := t.Reg(w, 1+p.NRedist)
		if !ok {
			break
		}
		p.Redist[p.NRedist] = r
	}
	if v, ok := t.Prop(w.Node, "redistributor-stride"); ok {
		p.Stride = number(v, 0, min(len(v)/4, 2))
	}
}

// uart takes the walk's serial port where it is the first, or the one that
// stdout-path names.
func (p *Platform) uart(t Tree, w *Walk, kind UARTKind, chosen bool) {
	if kind == NS16550 && (t.Word(w.Node, "reg-shift", 0, 0) != 0 || t.Word(w.Node, "reg-io-width", 0, 1) != 1) {
		return
	}
	if d := t.device(w); d.Size != 0 && (p.UARTIs == NoUART || chosen) {
		p.UART, p.UARTIs = d, kind
	}
}
