package serial

import "kevlar/machine/mmio"

// PL011 registers and bits (Arm DDI 0183, chapter 3).
const (
	plDR    = 0x000
	plFR    = 0x018
	plLCRH  = 0x02c
	plCR    = 0x030
	plIFLS  = 0x034
	plIMSC  = 0x038
	plICR   = 0x044
	plRXFE  = 1 << 4
	plTXFF  = 1 << 5
	plRXIM  = 1 << 4
	plTXIM  = 1 << 5
	plRTIM  = 1 << 6 // receive timeout: fewer bytes than the trigger level wait
	plWLEN8 = 3 << 5
	plFEN   = 1 << 4
)

type pl011 struct{ r mmio.Region }

// NewPL011 starts the driver of a PL011.
func NewPL011(name string, r mmio.Region) *Port { return newPort(name, &pl011{r}) }

func (c *pl011) start() {
	c.r.Write32(plIMSC, 0)
	c.r.Write32(plICR, 0x7ff)
	c.r.Write32(plLCRH, plWLEN8|plFEN)
	c.r.Write32(plCR, 1|1<<8|1<<9) // UART, transmitter, receiver
	c.r.Write32(plIMSC, plRXIM|plRTIM)
}

func (c *pl011) receive() (byte, bool) {
	if c.r.Read32(plFR)&plRXFE != 0 {
		return 0, false
	}
	return byte(c.r.Read32(plDR)), true
}

func (c *pl011) send(b byte) bool {
	if c.r.Read32(plFR)&plTXFF != 0 {
		return false
	}
	c.r.Write32(plDR, uint32(b))
	return true
}

func (c *pl011) wantRoom(on bool) {
	v := uint32(plRXIM | plRTIM)
	if on {
		v |= plTXIM
	}
	c.r.Write32(plIMSC, v)
}

func (c *pl011) acknowledge() { c.r.Write32(plICR, plRTIM|plTXIM) }
