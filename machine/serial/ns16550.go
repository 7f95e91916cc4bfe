package serial

// Registers gives access to a 16550's eight byte-wide registers, by I/O port or
// memory.
type Registers interface {
	Read8(off uintptr) uint8
	Write8(off uintptr, v uint8)
}

// 16550 registers and bits (National Semiconductor PC16550D, section 8).
const (
	nsData = 0 // RBR, THR
	nsIER  = 1
	nsIIR  = 2 // FCR when written
	nsLCR  = 3
	nsMCR  = 4
	nsLSR  = 5

	ierReceive  = 1 << 0
	ierTransmit = 1 << 1
	lsrReady    = 1 << 0
	lsrEmpty    = 1 << 5 // the transmit FIFO
	fifoDepth   = 16
)

type ns16550 struct {
	r    Registers
	room int // bytes that the FIFO takes before lsrEmpty must be looked at again
}

// NewNS16550 starts the driver of a 16550.
func NewNS16550(name string, r Registers) *Port { return newPort(name, &ns16550{r: r}) }

func (c *ns16550) start() {
	c.r.Write8(nsLCR, 3)    // 8 bits, no parity, 1 stop bit
	c.r.Write8(nsIIR, 7)    // FIFOs on and empty, trigger at one byte
	c.r.Write8(nsMCR, 0x0b) // DTR, RTS, and OUT2, which gates the interrupt
	c.r.Write8(nsIER, ierReceive)
}

func (c *ns16550) receive() (byte, bool) {
	if c.r.Read8(nsLSR)&lsrReady == 0 {
		return 0, false
	}
	return c.r.Read8(nsData), true
}

func (c *ns16550) send(b byte) bool {
	if c.room == 0 {
		if c.r.Read8(nsLSR)&lsrEmpty == 0 {
			return false
		}
		c.room = fifoDepth
	}
	c.room--
	c.r.Write8(nsData, b)
	return true
}

func (c *ns16550) wantRoom(on bool) {
	v := uint8(ierReceive)
	if on {
		v |= ierTransmit
	}
	c.r.Write8(nsIER, v)
}

func (c *ns16550) acknowledge() { c.r.Read8(nsIIR) }
