package metal

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"kevlar/machine/mmio"
	"kevlar/machine/nk"
	"kevlar/machine/nk/fdt"
	"kevlar/machine/pci"
	"kevlar/machine/serial"
	"kevlar/machine/virtio"
)

// firstMessage: all lines of ARM64 are wires.
const firstMessage = nk.MaxIRQ

// identify fills the part of Info that the device tree and the ID registers tell.
func (m *Metal) identify() {
	m.info.Model = string(nk.DeviceTree().Bytes(nk.Platform().Model))
	midr := uint32(nk.MIDR())
	m.info.CPUInfo = [5]uint32{midr >> 24, midr >> 20 & 15, midr >> 16 & 15, midr >> 4 & 0xfff, midr & 15}
	m.info.Features = nk.CPUFeatures()
}

// findDevices attaches the serial port and the virtio devices of the device tree.
func (m *Metal) findDevices(problem func(error)) {
	p := nk.Platform()
	if err := m.addUART(p); err != nil {
		problem(err)
	}
	for _, d := range p.VirtIO[:p.NVirtIO] {
		r, err := nk.DeviceMemory(d.Base, d.Size)
		if err == nil {
			var t virtio.Transport
			if t, err = virtio.MMIO(r, d.Base); err == nil && t != nil {
				err = m.addVirtio(t, func(h func()) error { return m.HandleIRQ(int(d.IRQ.ID), !d.IRQ.Edge, h) })
			}
		}
		if err != nil {
			problem(err)
		}
	}
	m.findPCI(&p.PCI, problem)
}

// findPCI attaches the virtio devices behind the host bridge. Nobody has given them addresses
// yet. They interrupt by their pins, which share lines.
func (m *Metal) findPCI(h *fdt.PCIHost, problem func(error)) {
	if h.Config.Size == 0 || h.Window.Size == 0 {
		return
	}
	config, err := nk.DeviceMemory(h.Config.Base, h.Config.Size)
	if err != nil {
		problem(err)
		return
	}
	window := pci.Window{Next: h.Window.Base, End: h.Window.Base + h.Window.Size}
	lines := make(map[fdt.Interrupt]*sharedLine)
	for _, f := range pci.Scan(pci.ECAM{R: config}, 0) {
		if !virtio.IsPCI(f) {
			continue
		}
		if err := m.addPCI(f, h, &window, lines); err != nil {
			problem(err)
		}
	}
}

func (m *Metal) addPCI(f *pci.Function, h *fdt.PCIHost, w *pci.Window, lines map[fdt.Interrupt]*sharedLine) error {
	irq := h.Line(f.Bus, f.Dev, f.Fn, f.IRQPin())
	if irq.ID == 0 {
		return fmt.Errorf("pci %v: the device tree does not say where its interrupt goes", f.Address)
	}
	if err := f.Place(w); err != nil {
		return err
	}
	f.Enable()
	var failed error
	t, err := virtio.PCI(f, false, func(pa, n uint64) (r mmio.Region) {
		if pa < h.Window.Base || pa+n > h.Window.Base+h.Window.Size {
			failed = fmt.Errorf("pci %v: a window outside the bridge's", f.Address)
			return r
		}
		r, failed = nk.DeviceMemory(pa, n)
		return r
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	return m.addVirtio(t, func(handler func()) error {
		l := lines[irq]
		if l != nil {
			l.add(handler)
			return nil
		}
		l = new(sharedLine)
		l.add(handler)
		lines[irq] = l
		return m.HandleIRQ(int(irq.ID), !irq.Edge, l.interrupt)
	})
}

// sharedLine is an interrupt line of several devices, any of which may have raised it.
type sharedLine struct {
	handlers atomic.Pointer[[]func()]
}

// add makes one more device known, while the others' interrupts come. One goroutine adds.
func (l *sharedLine) add(handler func()) {
	var all []func()
	if old := l.handlers.Load(); old != nil {
		all = *old
	}
	all = append(slices.Clip(all), handler)
	l.handlers.Store(&all)
}

func (l *sharedLine) interrupt() {
	for _, f := range *l.handlers.Load() {
		f()
	}
}

func (m *Metal) addUART(p *fdt.Platform) error {
	if p.UARTIs == fdt.NoUART {
		return nil
	}
	r, err := nk.DeviceMemory(p.UART.Base, p.UART.Size)
	if err != nil {
		return err
	}
	port := serial.NewPL011
	name := "ttyAMA0"
	if p.UARTIs == fdt.NS16550 {
		port = func(name string, r mmio.Region) *serial.Port { return serial.NewNS16550(name, r) }
		name = "ttyS0"
	}
	com := port(name, r)
	m.devices.Serial = append(m.devices.Serial, com)
	if err := m.HandleIRQ(int(p.UART.IRQ.ID), !p.UART.IRQ.Edge, com.Interrupt); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
