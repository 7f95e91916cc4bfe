package virtio

import (
	"errors"
	"fmt"

	"kevlar/machine/mmio"
	"kevlar/machine/pci"
)

// Virtio over PCI, modern interface (section 4.1). Transitional devices have it
// too; a device with the legacy interface alone is refused.
const (
	pciVendor = 0x1af4

	capVendor = 0x09
	cfgCommon = 1 // section 4.1.4
	cfgNotify = 2
	cfgISR    = 3
	cfgDevice = 4

	comDeviceSel  = 0x00 // section 4.1.4.3
	comDevice     = 0x04
	comDriverSel  = 0x08
	comDriver     = 0x0c
	comMSIXConfig = 0x10
	comStatus     = 0x14
	comQueueSel   = 0x16
	comQueueSize  = 0x18
	comQueueMSIX  = 0x1a
	comEnable     = 0x1c
	comNotifyOff  = 0x1e
	comDesc       = 0x20
	comDriverRing = 0x28
	comDeviceRing = 0x30

	noVector = 0xffff
)

type pciTransport struct {
	f                         *pci.Function
	typ                       uint32
	common, isr, notifyAt, dc mmio.Region
	notifyMul                 uintptr
	notifyOff                 map[int]uintptr
	vector                    uint16 // MSI-X table entry, or noVector
}

var errNotModern = errors.New("the device has no virtio 1 interface")

// IsPCI reports whether f is a virtio device.
func IsPCI(f *pci.Function) bool {
	return f.Vendor == pciVendor && f.Device >= 0x1000 && f.Device <= 0x107f
}

// PCI returns the transport to f. mapBAR maps device memory; msix says that the
// caller has set up entry 0 of the MSI-X table.
func PCI(f *pci.Function, msix bool, mapBAR func(pa, n uint64) mmio.Region) (Transport, error) {
	t := &pciTransport{f: f, notifyOff: map[int]uintptr{}, vector: noVector}
	if msix {
		t.vector = 0
	}
	if f.Device >= 0x1040 {
		t.typ = uint32(f.Device - 0x1040)
	} else {
		t.typ = f.Read32(0x2c) >> 16 // the subsystem ID of a transitional device
	}
	var regions [5]mmio.Region
	var bad error
	f.Capabilities(func(id uint8, off uint16) bool {
		kind, bar := f.Read8(off+3), f.Read8(off+4)
		if id != capVendor || kind == 0 || kind > cfgDevice || bar > 5 || regions[kind].Size() != 0 {
			return true
		}
		b, ok := f.BAR(int(bar))
		at, n := uint64(f.Read32(off+8)), uint64(f.Read32(off+12))
		if !ok || n == 0 || at+n > b.Size {
			bad = fmt.Errorf("virtio %s: a capability points outside its window", t.Name())
			return false
		}
		regions[kind] = mapBAR(b.Addr+at, n)
		if kind == cfgNotify {
			t.notifyMul = uintptr(f.Read32(off + 16))
		}
		return true
	})
	if bad != nil {
		return nil, bad
	}
	t.common, t.notifyAt, t.isr, t.dc = regions[cfgCommon], regions[cfgNotify], regions[cfgISR], regions[cfgDevice]
	if t.common.Size() == 0 || t.notifyAt.Size() == 0 || t.isr.Size() == 0 {
		return nil, fmt.Errorf("virtio %s: %w", t.Name(), errNotModern)
	}
	f.Enable()
	return t, nil
}

func (t *pciTransport) Type() uint32 { return t.typ }
func (t *pciTransport) Name() string { return "pci " + t.f.Address.String() }
func (t *pciTransport) legacy() bool { return false }

func (t *pciTransport) features() uint64 {
	t.common.Write32(comDeviceSel, 1)
	hi := t.common.Read32(comDevice)
	t.common.Write32(comDeviceSel, 0)
	return uint64(hi)<<32 | uint64(t.common.Read32(comDevice))
}

func (t *pciTransport) acceptFeatures(f uint64) {
	t.common.Write32(comDriverSel, 1)
	t.common.Write32(comDriver, uint32(f>>32))
	t.common.Write32(comDriverSel, 0)
	t.common.Write32(comDriver, uint32(f))
}

func (t *pciTransport) status() uint8 { return t.common.Read8(comStatus) }

func (t *pciTransport) setStatus(s uint8) {
	t.common.Write8(comStatus, s)
	if s == 0 {
		for t.status() != 0 {
		}
		t.common.Write16(comMSIXConfig, t.vector)
	}
}

func (t *pciTransport) queueMax(i int) int {
	t.common.Write16(comQueueSel, uint16(i))
	return int(t.common.Read16(comQueueSize))
}

func (t *pciTransport) enableQueue(i int, q *queue) error {
	t.common.Write16(comQueueSel, uint16(i))
	t.common.Write16(comQueueSize, uint16(q.size))
	t.common.Write16(comQueueMSIX, t.vector)
	if t.common.Read16(comQueueMSIX) != t.vector {
		return fmt.Errorf("virtio %s: no interrupt vector for queue %d", t.Name(), i)
	}
	pa := q.frame.Addr()
	t.common.Write64(comDesc, pa)
	t.common.Write64(comDriverRing, pa+uint64(q.availAt))
	t.common.Write64(comDeviceRing, pa+uint64(q.usedAt))
	t.notifyOff[i] = uintptr(t.common.Read16(comNotifyOff)) * t.notifyMul
	t.common.Write16(comEnable, 1)
	return nil
}

func (t *pciTransport) notify(i int) { t.notifyAt.Write16(t.notifyOff[i], uint16(i)) }

func (t *pciTransport) acknowledge() uint32 {
	if t.vector != noVector {
		return 3 // one vector for both reasons, and the ISR stays clear
	}
	return uint32(t.isr.Read8(0))
}

func (t *pciTransport) config8(off uintptr) uint8   { return t.dc.Read8(off) }
func (t *pciTransport) config16(off uintptr) uint16 { return t.dc.Read16(off) }
func (t *pciTransport) config32(off uintptr) uint32 { return t.dc.Read32(off) }
func (t *pciTransport) config64(off uintptr) uint64 { return t.dc.Read64(off) }
