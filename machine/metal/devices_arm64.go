package metal

import (
	"fmt"

	"kevlar/machine/mmio"
	"kevlar/machine/nk"
	"kevlar/machine/nk/fdt"
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
