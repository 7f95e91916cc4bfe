// Package serial drives the two serial ports that virtual machines have: the 16550
// of x86-64 and the PL011 of ARM64. Both are driven by interrupts; machine/metal
// calls Interrupt from a goroutine.
package serial

import "sync"

// chip is what differs between the two. Port holds its lock around every call.
type chip interface {
	// start turns the receiver and its interrupt on.
	start()
	// receive returns the next input byte, if there is one.
	receive() (b byte, ok bool)
	// send gives b to the transmitter, if it has room.
	send(b byte) bool
	// wantRoom turns the interrupt for a transmitter with room on or off.
	wantRoom(on bool)
	// acknowledge ends the interrupt's causes that reading and writing do not.
	acknowledge()
}

// inputMax bounds what a port holds for a reader that does not come.
const inputMax = 64 << 10

// Port is a serial port. It implements machine.Console.
type Port struct {
	name string
	chip chip

	// mu guards all that follows, and the chip. out is the sending side's turn: a
	// Write's bytes stay together.
	mu      sync.Mutex
	input   []byte
	arrived sync.Cond
	room    sync.Cond
	out     sync.Mutex // taken before mu
}

func newPort(name string, c chip) *Port {
	p := &Port{name: name, chip: c}
	p.arrived.L, p.room.L = &p.mu, &p.mu
	c.start()
	return p
}

func (p *Port) Name() string { return p.name }

// Size and Resized: a serial line does not know its terminal.
func (p *Port) Size() (columns, rows int) { return 0, 0 }
func (p *Port) Resized() <-chan struct{}  { return nil }

// Interrupt takes in what has arrived and lets writers go on.
func (p *Port) Interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chip.acknowledge()
	for {
		b, ok := p.chip.receive()
		if !ok {
			break
		}
		if len(p.input) < inputMax {
			p.input = append(p.input, b)
		}
	}
	if len(p.input) > 0 {
		p.arrived.Broadcast()
	}
	p.chip.wantRoom(false)
	p.room.Broadcast()
}

// Read waits until there is input.
func (p *Port) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.input) == 0 {
		p.arrived.Wait()
	}
	n := copy(b, p.input)
	p.input = p.input[:copy(p.input, p.input[n:])]
	return n, nil
}

// Write returns when the transmitter has taken all of b.
func (p *Port) Write(b []byte) (int, error) {
	p.out.Lock()
	defer p.out.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range b {
		for !p.chip.send(c) {
			p.chip.wantRoom(true)
			p.room.Wait()
		}
	}
	return len(b), nil
}
