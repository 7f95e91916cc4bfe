package virtio

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/machine/mem"
)

// Console device (section 5.3).
const (
	conFeatureSize  = 1 << 0
	conFeatureMulti = 1 << 1

	// Control messages: id uint32, event uint16, value uint16 (section 5.3.6.2).
	conDeviceReady = 0
	conDeviceAdd   = 1
	conRemove      = 2
	conPortReady   = 3
	conConsolePort = 4
	conResize      = 5
	conPortOpen    = 6
	conPortName    = 7

	portBuffers    = 4  // receive buffers of a port, a frame each
	controlBuffers = 32 // receive buffers for control messages, slotSize each
	slotSize       = mem.PageSize / controlBuffers
)

// Console is a virtio console device: a terminal, or several ports of which some
// are terminals and some are named byte streams.
type Console struct {
	t     Transport
	multi bool

	// mu guards the queues and what the fields of ports say of it. Interrupt holds it;
	// nobody waits with it held.
	mu    sync.Mutex
	ports map[uint32]*Port
	order []*Port
	ctlRx *queue
	ctlTx *queue
	names int // hvc numbers given out
	first int // the number of the first hvc
}

// Port is one port of a console. It implements machine.Port, and machine.Console
// where it is a terminal.
type Port struct {
	c        *Console
	id       uint32
	name     string
	terminal bool
	cols     int
	rows     int
	resized  chan struct{}

	rx, tx  *queue
	arrived sync.Cond // on c.mu: input, or the host closed
	room    sync.Cond // on c.mu: a transmit buffer is free
	input   []received
	open    bool // the host's end is open
	txFree  []mem.Frame
}

// received is a frame with input that nobody has read yet.
type received struct {
	f     mem.Frame
	at, n int
}

// NewConsole starts the driver of a console device and waits until the device has
// named its ports. Terminals among them are called hvcN from first on. attach is
// called before the device works: interrupts must reach the device that it gets
// from then on.
func NewConsole(t Transport, first int, attach func(Device)) (*Console, error) {
	have, err := begin(t, conFeatureSize|conFeatureMulti)
	if err != nil {
		return nil, err
	}
	c := &Console{t: t, multi: have&conFeatureMulti != 0, ports: map[uint32]*Port{}, first: first}
	attach(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.multi {
		p, err := c.addPort(0)
		if err != nil {
			return nil, fail(t, err)
		}
		c.makeTerminal(p)
		p.open = true
		if have&conFeatureSize != 0 {
			p.cols, p.rows = int(t.config16(0)), int(t.config16(2))
		}
		ready(t)
		p.fill()
		return c, nil
	}
	if c.ctlRx, err = newQueue(t, 2); err == nil {
		c.ctlTx, err = newQueue(t, 3)
	}
	if err != nil {
		return nil, fail(t, err)
	}
	// A device sets up every port's queues before it is driven: queues that are
	// enabled later may be ignored (section 3.1.1). Ports themselves are announced.
	for id := range t.config32(4) {
		if t.queueMax(portQueue(id)) == 0 {
			break
		}
		if _, err := c.addPort(id); err != nil {
			return nil, fail(t, err)
		}
	}
	buffers, err := mem.Alloc()
	if err != nil {
		return nil, fail(t, err)
	}
	ready(t)
	for i := range controlBuffers {
		c.postControl(buffers, i)
	}
	c.ctlRx.quiet = true // announce looks
	c.ctlRx.kick()
	if err := c.announce(); err != nil {
		return nil, fail(t, err)
	}
	c.ctlRx.listen()
	c.ctlRx.kick()
	return c, nil
}

// announce asks for the ports and waits until the device has answered. A device
// takes control messages in order and puts its answers to one on the receive queue
// before it returns the buffer, so that no time limit is needed.
func (c *Console) announce() error {
	if err := c.control(0, conDeviceReady, 1); err != nil {
		return err
	}
	for answered := 0; ; { // the ports that DEVICE_READY brought, then what PORT_READY brings
		if c.ctlRx.complete() {
			c.ctlRx.kick()
		}
		if answered == len(c.order) {
			return nil
		}
		for ; answered < len(c.order); answered++ {
			if err := c.control(c.order[answered].id, conPortReady, 1); err != nil {
				return err
			}
			if err := c.control(c.order[answered].id, conPortOpen, 1); err != nil {
				return err
			}
			c.ctlRx.complete()
		}
	}
}

// control sends a control message and waits until the device has taken it, with mu
// held but for the wait.
func (c *Console) control(id uint32, event, value uint16) error {
	f, err := mem.Alloc()
	if err != nil {
		return err
	}
	binary.LittleEndian.PutUint32(f.Data()[0:], id)
	binary.LittleEndian.PutUint16(f.Data()[4:], event)
	binary.LittleEndian.PutUint16(f.Data()[6:], value)
	taken := make(chan struct{})
	if !c.ctlTx.add(func(int) { close(taken) }, buffer{f.Addr(), 8, false}) {
		f.Unref()
		return fmt.Errorf("virtio %s: the control queue is full", c.t.Name())
	}
	c.ctlTx.send()
	c.mu.Unlock()
	<-taken
	c.mu.Lock()
	f.Unref()
	return nil
}

func (c *Console) postControl(f mem.Frame, slot int) {
	at := slot * slotSize
	c.ctlRx.add(func(n int) {
		msg := f.Data()[at : at+min(n, slotSize)]
		if len(msg) >= 8 {
			c.event(binary.LittleEndian.Uint32(msg), binary.LittleEndian.Uint16(msg[4:]), binary.LittleEndian.Uint16(msg[6:]), msg[8:])
		}
		c.postControl(f, slot)
	}, buffer{f.Addr() + uint64(at), slotSize, true})
}

// event handles a control message, with mu held.
func (c *Console) event(id uint32, event, value uint16, rest []byte) {
	p := c.ports[id]
	if p == nil {
		return
	}
	switch event {
	case conDeviceAdd:
		c.order = append(c.order, p)
		p.fill()
	case conRemove:
		p.open = false
		p.arrived.Broadcast()
		p.room.Broadcast()
	case conConsolePort:
		if value == 1 {
			c.makeTerminal(p)
		}
	case conResize:
		if len(rest) >= 4 {
			// The fields are rows, then columns, in QEMU and in Linux, whatever the
			// specification's text says.
			p.rows, p.cols = int(binary.LittleEndian.Uint16(rest)), int(binary.LittleEndian.Uint16(rest[2:]))
			select {
			case p.resized <- struct{}{}:
			default:
			}
		}
	case conPortOpen:
		p.open = value == 1
		p.arrived.Broadcast()
		p.room.Broadcast()
	case conPortName:
		for len(rest) > 0 && rest[len(rest)-1] == 0 {
			rest = rest[:len(rest)-1]
		}
		p.name = string(rest)
	}
}

func (c *Console) makeTerminal(p *Port) {
	if !p.terminal {
		p.terminal = true
		p.name = fmt.Sprintf("hvc%d", c.first+c.names)
		c.names++
	}
}

// portQueue is the receive queue of a port; its transmit queue is the next one.
func portQueue(id uint32) int {
	if id == 0 {
		return 0
	}
	return 2 + 2*int(id)
}

func (c *Console) addPort(id uint32) (*Port, error) {
	p := &Port{c: c, id: id, resized: make(chan struct{}, 1)}
	p.arrived.L, p.room.L = &c.mu, &c.mu
	var err error
	if p.rx, err = newQueue(c.t, portQueue(id)); err != nil {
		return nil, err
	}
	if p.tx, err = newQueue(c.t, portQueue(id)+1); err != nil {
		return nil, err
	}
	c.ports[id] = p
	if !c.multi {
		c.order = append(c.order, p)
	}
	return p, nil
}

// fill gives the port its buffers, with mu held.
func (p *Port) fill() {
	for range portBuffers {
		if f, err := mem.Alloc(); err == nil {
			p.post(f)
		}
		if f, err := mem.Alloc(); err == nil {
			p.txFree = append(p.txFree, f)
		}
	}
	p.rx.kick()
}

func (p *Port) post(f mem.Frame) {
	p.rx.add(func(n int) {
		p.input = append(p.input, received{f, 0, min(n, mem.PageSize)})
		p.arrived.Broadcast()
	}, buffer{f.Addr(), mem.PageSize, true})
}

// Interrupt serves all ports.
func (c *Console) Interrupt() {
	c.t.acknowledge()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.multi {
		c.ctlTx.complete()
		if c.ctlRx.complete() {
			c.ctlRx.kick()
		}
	}
	for _, p := range c.order {
		p.rx.complete()
		p.tx.complete()
	}
}

// Ports returns the ports that the device has announced, in its order.
func (c *Console) Ports() []*Port {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*Port(nil), c.order...)
}

// IsTerminal reports whether the port is a terminal rather than a byte stream.
func (p *Port) IsTerminal() bool { return p.terminal }

func (p *Port) Name() string { return p.name }

// Read waits for input and returns at least one byte; io.EOF after the host has
// closed its end and everything it sent is read.
func (p *Port) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	for len(p.input) == 0 {
		if !p.open && !p.terminal {
			return 0, io.EOF
		}
		p.arrived.Wait()
	}
	total := 0
	for total < len(b) && len(p.input) > 0 {
		r := &p.input[0]
		n := copy(b[total:], r.f.Data()[r.at:r.n])
		r.at, total = r.at+n, total+n
		if r.at == r.n {
			f := r.f
			p.input = p.input[1:]
			p.post(f)
			p.rx.kick()
		}
	}
	return total, nil
}

// Write queues b for the host and returns when the device has taken it all. EPIPE
// once the host has closed its end of a byte stream.
func (p *Port) Write(b []byte) (int, error) {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	total, pending := 0, 0
	for total < len(b) {
		for len(p.txFree) == 0 {
			p.room.Wait()
		}
		if !p.open && !p.terminal {
			return total, unix.EPIPE
		}
		f := p.txFree[len(p.txFree)-1]
		n := copy(f.Data()[:], b[total:])
		sent := p.tx.add(func(int) {
			p.txFree = append(p.txFree, f)
			pending--
			p.room.Broadcast()
		}, buffer{f.Addr(), n, false})
		if !sent {
			p.room.Wait()
			continue
		}
		p.txFree = p.txFree[:len(p.txFree)-1]
		pending++
		total += n
		p.tx.send()
	}
	for pending > 0 {
		p.room.Wait()
	}
	return total, nil
}

// Size is the terminal's size as the host last told it, else zero.
func (p *Port) Size() (columns, rows int) {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	return p.cols, p.rows
}

// Resized gets a value after the size has changed.
func (p *Port) Resized() <-chan struct{} { return p.resized }
