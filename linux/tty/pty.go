package tty

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// UnixPtySlaveMajor is the device major of pty slaves (devices.txt).
const UnixPtySlaveMajor = 136

// Pty is the master of a pseudo-terminal, and the file that open("/dev/ptmx") gives.
// It shares the lock of its slave: the pair is one thing.
type Pty struct {
	vfs.DefaultOps
	Index int

	slave *TTY
	queue wait.Queue // readers, writers and pollers of the master

	// Peer opens the slave for TIOCGPTPEER, and Gone is called when the master closes:
	// devpts sets both before the master is used.
	Peer func(c *vfs.Context, flags uint32) (uint64, error)
	Gone func()

	// All guarded by slave.mu.
	locked     bool  // TIOCSPTLCK: the slave cannot be opened
	closed     bool  // the master has been closed
	hungUp     bool  // the slave was open and is no more
	packetMode bool  // TIOCPKT
	status     uint8 // TIOCPKT_ events that have not been read
}

// NewPty makes a pseudo-terminal whose slave is locked.
func NewPty(index int) *Pty {
	dev := unix.Mkdev(UnixPtySlaveMajor+uint32(index>>8), uint32(index&0xff))
	p := &Pty{Index: index, locked: true}
	p.slave = newTTY(fmt.Sprintf("pts/%d", index), dev, stdTermios(unix.B38400|unix.CS8|unix.CREAD, 38400))
	p.slave.pty = p
	return p
}

// Slave is the terminal.
func (p *Pty) Slave() *TTY { return p.slave }

// buffers are for copies between user memory and terminals.
var buffers = sync.Pool{New: func() any { return new([2048]byte) }}

// Read implements vfs.FileOps: what programs wrote to the terminal.
func (p *Pty) Read(c *vfs.Context, vf *vfs.File, dst *user.IO, _ int64) (int, error) {
	if dst.Len() == 0 {
		return 0, nil
	}
	t := p.slave
	buf := buffers.Get().(*[2048]byte)
	defer buffers.Put(buf)
	total := 0
	for dst.Len() > 0 {
		t.mu.Lock()
		b := buf[:min(len(buf), dst.Len())]
		n := 0
		switch {
		case p.status != 0 && total == 0:
			b[0], n = p.status, 1
			p.status = 0
			t.mu.Unlock()
			return dst.Write(b[:1])
		case p.status != 0:
		case p.packetMode && total == 0 && t.out.len() > 0:
			b[0] = unix.TIOCPKT_DATA
			n = 1 + t.out.take(b[1:])
		default:
			n = t.out.take(b)
		}
		hungUp := p.hungUp
		t.mu.Unlock()
		if n > 0 {
			t.queue.Wake(wait.Out | wait.WrNorm)
			m, err := dst.Write(b[:n])
			total += m
			if err != nil {
				return total, err
			}
			continue
		}
		if total > 0 {
			break
		}
		if hungUp {
			return 0, unix.EIO
		}
		if vf.NonBlock() {
			return 0, unix.EAGAIN
		}
		err := c.Waiter.Until(&p.queue, wait.In, wait.Forever, func() bool {
			t.mu.Lock()
			defer t.mu.Unlock()
			return t.out.len() > 0 || p.status != 0 || p.hungUp
		})
		if err != nil {
			return 0, err
		}
	}
	return total, nil
}

// pendingLimit is how much input may wait for the line discipline.
const pendingLimit = 8192

// Write implements vfs.FileOps: it types src.
func (p *Pty) Write(c *vfs.Context, vf *vfs.File, src *user.IO, _ int64) (int, error) {
	t := p.slave
	buf := buffers.Get().(*[2048]byte)
	defer buffers.Put(buf)
	total := 0
	for src.Len() > 0 {
		n, err := src.Read(buf[:])
		for b := buf[:n]; len(b) > 0; {
			t.mu.Lock()
			k := max(0, min(len(b), pendingLimit-t.pending.len()))
			t.receive(b[:k])
			t.mu.Unlock()
			t.kick()
			b = b[k:]
			total += k
			if k > 0 || len(b) == 0 {
				continue
			}
			if vf.NonBlock() {
				return total, unix.EAGAIN
			}
			err := c.Waiter.Until(&p.queue, wait.Out, wait.Forever, func() bool {
				t.mu.Lock()
				defer t.mu.Unlock()
				return t.pending.len() < pendingLimit
			})
			if err != nil {
				return total, err
			}
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// Poll implements vfs.FileOps.
func (p *Pty) Poll(_ *vfs.File, e *wait.Entry) (events wait.Events) {
	if e != nil {
		p.queue.Add(e)
	}
	t := p.slave
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.out.len() > 0 {
		events |= wait.In | wait.RdNorm
	}
	if p.status != 0 {
		events |= wait.Pri | wait.In | wait.RdNorm
	}
	if p.hungUp {
		events |= wait.Hup
	}
	if t.pending.len() < pendingLimit {
		events |= wait.Out | wait.WrNorm
	}
	return events
}

// Unpoll implements vfs.FileOps.
func (p *Pty) Unpoll(_ *vfs.File, e *wait.Entry) { p.queue.Remove(e) }

// Release implements vfs.FileOps: the terminal is hung up.
func (p *Pty) Release(*vfs.File) {
	t := p.slave
	t.mu.Lock()
	p.closed = true
	t.out.reset()
	t.mu.Unlock()
	if p.Gone != nil {
		p.Gone()
	}
	t.Hangup()
}

// slaveGone tells the master that nobody has the terminal open any more.
func (p *Pty) slaveGone() {
	p.hungUp = true
	p.queue.Wake(wait.All)
	p.slave.queue.Wake(wait.All)
}

// termiosChanged reports, in packet mode, changes that a remote terminal must know:
// whether it may act on ^S and ^Q itself, and EXTPROC (ioctl_tty(2), TIOCPKT).
func (p *Pty) termiosChanged(old, now *abi.Termios) {
	if !p.packetMode {
		return
	}
	local := func(t *abi.Termios) bool {
		return t.Iflag&unix.IXON != 0 && t.Cc[unix.VSTOP] == 'S'&0x1f && t.Cc[unix.VSTART] == 'Q'&0x1f
	}
	was, is := local(old), local(now)
	switch {
	case was && !is:
		p.slave.packetChange(unix.TIOCPKT_NOSTOP, unix.TIOCPKT_DOSTOP)
	case !was && is:
		p.slave.packetChange(unix.TIOCPKT_DOSTOP, unix.TIOCPKT_NOSTOP)
	}
	if (old.Lflag|now.Lflag)&extproc != 0 {
		p.slave.packet(unix.TIOCPKT_IOCTL)
	}
}
