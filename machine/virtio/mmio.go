package virtio

import (
	"fmt"

	"kevlar/machine/mmio"
)

// Registers of the memory-mapped transport (section 4.2.2; legacy: 4.2.4).
const (
	regMagic          = 0x000
	regVersion        = 0x004
	regDeviceID       = 0x008
	regDeviceFeatures = 0x010
	regDeviceSel      = 0x014
	regDriverFeatures = 0x020
	regDriverSel      = 0x024
	regGuestPageSize  = 0x028 // legacy
	regQueueSel       = 0x030
	regQueueNumMax    = 0x034
	regQueueNum       = 0x038
	regQueueAlign     = 0x03c // legacy
	regQueuePFN       = 0x040 // legacy
	regQueueReady     = 0x044
	regQueueNotify    = 0x050
	regIntStatus      = 0x060
	regIntAck         = 0x064
	regStatus         = 0x070
	regQueueDesc      = 0x080
	regQueueDriver    = 0x090
	regQueueDevice    = 0x0a0
	regConfig         = 0x100

	mmioMagic = 0x74726976 // "virt"
)

type mmioTransport struct {
	r       mmio.Region
	base    uint64
	version uint32
}

// MMIO looks at the registers in r, at physical address base, and returns the
// transport if a device is there, nil for an empty slot.
func MMIO(r mmio.Region, base uint64) (Transport, error) {
	if r.Read32(regMagic) != mmioMagic {
		return nil, fmt.Errorf("virtio mmio@%x: no virtio device", base)
	}
	t := &mmioTransport{r: r, base: base, version: r.Read32(regVersion)}
	if t.version != 1 && t.version != 2 {
		return nil, fmt.Errorf("virtio %s: unknown version %d", t.Name(), t.version)
	}
	if t.Type() == 0 {
		return nil, nil
	}
	return t, nil
}

func (t *mmioTransport) Type() uint32 { return t.r.Read32(regDeviceID) }
func (t *mmioTransport) Name() string { return fmt.Sprintf("mmio@%x", t.base) }
func (t *mmioTransport) legacy() bool { return t.version == 1 }

func (t *mmioTransport) features() uint64 {
	t.r.Write32(regDeviceSel, 1)
	hi := t.r.Read32(regDeviceFeatures)
	t.r.Write32(regDeviceSel, 0)
	return uint64(hi)<<32 | uint64(t.r.Read32(regDeviceFeatures))
}

func (t *mmioTransport) acceptFeatures(f uint64) {
	t.r.Write32(regDriverSel, 1)
	t.r.Write32(regDriverFeatures, uint32(f>>32))
	t.r.Write32(regDriverSel, 0)
	t.r.Write32(regDriverFeatures, uint32(f))
	if t.legacy() {
		t.r.Write32(regGuestPageSize, 4096)
	}
}

func (t *mmioTransport) status() uint8 { return uint8(t.r.Read32(regStatus)) }

func (t *mmioTransport) setStatus(s uint8) {
	t.r.Write32(regStatus, uint32(s))
	if s == 0 {
		for t.status() != 0 {
		}
	}
}

func (t *mmioTransport) queueMax(i int) int {
	t.r.Write32(regQueueSel, uint32(i))
	return int(t.r.Read32(regQueueNumMax))
}

func (t *mmioTransport) enableQueue(i int, q *queue) error {
	t.r.Write32(regQueueSel, uint32(i))
	t.r.Write32(regQueueNum, uint32(q.size))
	if t.legacy() {
		t.r.Write32(regQueueAlign, ringAlign)
		t.r.Write32(regQueuePFN, uint32(q.frame))
		return nil
	}
	pa := q.frame.Addr()
	t.r.Write64(regQueueDesc, pa)
	t.r.Write64(regQueueDriver, pa+uint64(q.availAt))
	t.r.Write64(regQueueDevice, pa+uint64(q.usedAt))
	t.r.Write32(regQueueReady, 1)
	return nil
}

func (t *mmioTransport) notify(i int) { t.r.Write32(regQueueNotify, uint32(i)) }

func (t *mmioTransport) acknowledge() uint32 {
	why := t.r.Read32(regIntStatus)
	if why != 0 {
		t.r.Write32(regIntAck, why)
	}
	return why
}

func (t *mmioTransport) config8(off uintptr) uint8   { return t.r.Read8(regConfig + off) }
func (t *mmioTransport) config16(off uintptr) uint16 { return t.r.Read16(regConfig + off) }
func (t *mmioTransport) config32(off uintptr) uint32 { return t.r.Read32(regConfig + off) }
func (t *mmioTransport) config64(off uintptr) uint64 { return t.r.Read64(regConfig + off) }
