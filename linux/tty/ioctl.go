package tty

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/task"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// Ioctls that x/sys/unix does not name on every architecture. The numbers are the same on
// all that use asm-generic/ioctls.h and on x86.
const (
	tcgets2  = 0x802c542a
	tcsets2  = 0x402c542b
	tcsetsw2 = 0x402c542c
	tcsetsf2 = 0x402c542d

	tiocsig     = 0x40045436
	tiocgexcl   = 0x80045440
	tiocgptpeer = 0x5441
	tiocgpkt    = 0x80045438
	tiocgptlck  = 0x80045439
)

// ioctl is one call: what its steps have in common.
type ioctl struct {
	c      *vfs.Context
	vf     *vfs.File
	arg    uint64
	m      user.Memory
	master bool
}

func (io *ioctl) addr() user.Addr { return user.Addr(io.arg) }

func (io *ioctl) copyIn(b []byte) error {
	_, err := io.m.CopyIn(b, io.addr())
	return err
}

func (io *ioctl) copyOut(b []byte) (uint64, error) {
	_, err := io.m.CopyOut(io.addr(), b)
	return 0, err
}

func (io *ioctl) putInt(v int) (uint64, error) {
	return io.copyOut(binary.LittleEndian.AppendUint32(make([]byte, 0, 4), uint32(v)))
}

func (io *ioctl) getInt() (int, error) {
	var b [4]byte
	err := io.copyIn(b[:])
	return int(int32(binary.LittleEndian.Uint32(b[:]))), err
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Ioctl implements vfs.FileOps: ioctl_tty(2).
func (f *file) Ioctl(c *vfs.Context, vf *vfs.File, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	t := f.tty
	t.mu.Lock()
	gone := f.hungUp()
	t.mu.Unlock()
	if gone {
		if cmd == unix.TIOCSPGRP {
			return 0, unix.ENOTTY
		}
		return 0, unix.EIO
	}
	return t.ioctl(&ioctl{c: c, vf: vf, arg: arg, m: m}, cmd)
}

// Ioctl implements vfs.FileOps. Most calls act on the terminal, whichever side they
// come from.
func (p *Pty) Ioctl(c *vfs.Context, vf *vfs.File, cmd uint32, arg uint64, m user.Memory) (uint64, error) {
	t := p.slave
	io := &ioctl{c: c, vf: vf, arg: arg, m: m, master: true}
	locked := func(f func()) { t.mu.Lock(); f(); t.mu.Unlock() }
	get := func(v *bool) (uint64, error) {
		var on bool
		locked(func() { on = *v })
		return io.putInt(boolInt(on))
	}
	switch cmd {
	case unix.TIOCGPTN:
		return io.putInt(p.Index)
	case unix.TIOCSPTLCK:
		v, err := io.getInt()
		if err == nil {
			locked(func() { p.locked = v != 0 })
		}
		return 0, err
	case tiocgptlck:
		return get(&p.locked)
	case unix.TIOCPKT:
		v, err := io.getInt()
		if err == nil {
			locked(func() {
				if v != 0 && !p.packetMode {
					p.status = 0
				}
				p.packetMode = v != 0
			})
		}
		return 0, err
	case tiocgpkt:
		return get(&p.packetMode)
	case tiocsig:
		sig := unix.Signal(arg)
		if sig != unix.SIGINT && sig != unix.SIGQUIT && sig != unix.SIGTSTP {
			return 0, unix.EINVAL
		}
		locked(func() {
			t.signal(sig)
		})
		return 0, nil
	case tiocgptpeer:
		if p.Peer == nil {
			return 0, unix.EIO
		}
		return p.Peer(c, uint32(arg))
	case unix.TIOCINQ:
		var n int
		locked(func() { n = min(t.out.len(), ptyDelivered) })
		return io.putInt(n)
	case unix.TIOCNOTTY:
		return 0, unix.ENOTTY
	case unix.TCFLSH:
		if arg > unix.TCIOFLUSH {
			return 0, unix.EINVAL
		}
		locked(func() {
			if arg != unix.TCOFLUSH {
				t.out.reset()
			}
			if arg != unix.TCIFLUSH {
				t.pending.reset()
			}
		})
		t.queue.Wake(wait.Out | wait.WrNorm)
		p.queue.Wake(wait.Out | wait.WrNorm)
		return 0, nil
	case unix.TIOCSTI:
		var b [1]byte
		if err := io.copyIn(b[:]); err != nil {
			return 0, err
		}
		if !c.Capable(unix.CAP_SYS_ADMIN) {
			return 0, unix.EPERM
		}
		locked(func() { t.out.put(b[:]) })
		p.queue.Wake(wait.In | wait.RdNorm)
		return 0, nil
	}
	return t.ioctl(io, cmd)
}

// ioctl answers what both sides of a terminal do.
func (t *TTY) ioctl(io *ioctl, cmd uint32) (uint64, error) {
	switch cmd {
	case unix.TCGETS, tcgets2:
		var b [abi.Termios2Size]byte
		tio := t.Termios()
		if cmd == tcgets2 {
			tio.Encode(b[:])
			return io.copyOut(b[:])
		}
		tio.Encode(b[:abi.TermiosSize])
		return io.copyOut(b[:abi.TermiosSize])
	case unix.TCGETA:
		var b [abi.TermioSize]byte
		tio := t.Termios()
		tio.EncodeTermio(b[:])
		return io.copyOut(b[:])
	case unix.TCSETS, tcsets2, unix.TCSETA:
		return t.ioctlSetTermios(io, cmd, false, false)
	case unix.TCSETSW, tcsetsw2, unix.TCSETAW:
		return t.ioctlSetTermios(io, cmd, true, false)
	case unix.TCSETSF, tcsetsf2, unix.TCSETAF:
		return t.ioctlSetTermios(io, cmd, true, true)
	case unix.TIOCGLCKTRMIOS:
		var b [abi.TermiosSize]byte
		t.mu.Lock()
		t.locked.Encode(b[:])
		t.mu.Unlock()
		return io.copyOut(b[:])
	case unix.TIOCSLCKTRMIOS:
		if !io.c.Capable(unix.CAP_SYS_ADMIN) {
			return 0, unix.EPERM
		}
		var b [abi.TermiosSize]byte
		if err := io.copyIn(b[:]); err != nil {
			return 0, err
		}
		t.mu.Lock()
		t.locked.Decode(b[:])
		t.mu.Unlock()
		return 0, nil
	case unix.TIOCGSOFTCAR:
		t.mu.Lock()
		on := t.termios.Cflag&unix.CLOCAL != 0
		t.mu.Unlock()
		return io.putInt(boolInt(on))
	case unix.TIOCSSOFTCAR:
		v, err := io.getInt()
		if err != nil {
			return 0, err
		}
		t.mu.Lock()
		t.termios.Cflag &^= unix.CLOCAL
		if v != 0 {
			t.termios.Cflag |= unix.CLOCAL
		}
		t.mu.Unlock()
		return 0, nil

	case unix.TCSBRK, unix.TCSBRKP, unix.TIOCSBRK, unix.TIOCCBRK:
		if err := t.background(io.c, unix.SIGTTOU); err != nil {
			return 0, err
		}
		if cmd == unix.TIOCCBRK {
			return 0, nil
		}
		return 0, t.Drain(io.c.Waiter) // and no line on which to send a break
	case unix.TCXONC:
		return 0, t.ioctlFlow(io)
	case unix.TCFLSH:
		return 0, t.ioctlFlush(io)

	case unix.TIOCGWINSZ:
		var b [abi.WinsizeSize]byte
		t.mu.Lock()
		t.size.Encode(b[:])
		t.mu.Unlock()
		return io.copyOut(b[:])
	case unix.TIOCSWINSZ:
		var b [abi.WinsizeSize]byte
		if err := io.copyIn(b[:]); err != nil {
			return 0, err
		}
		var size abi.Winsize
		size.Decode(b[:])
		t.SetSize(size)
		return 0, nil

	case unix.TIOCINQ: // FIONREAD too
		t.mu.Lock()
		n := t.waiting()
		t.mu.Unlock()
		return io.putInt(n)
	case unix.TIOCOUTQ:
		t.mu.Lock()
		n := t.unsent()
		t.mu.Unlock()
		return io.putInt(n)
	case unix.TIOCSTI:
		return 0, t.ioctlType(io)

	case unix.TIOCEXCL, unix.TIOCNXCL:
		t.mu.Lock()
		t.exclusive = cmd == unix.TIOCEXCL
		t.mu.Unlock()
		return 0, nil
	case tiocgexcl:
		t.mu.Lock()
		on := t.exclusive
		t.mu.Unlock()
		return io.putInt(boolInt(on))
	case unix.TIOCGETD:
		return io.putInt(0) // N_TTY
	case unix.TIOCSETD:
		v, err := io.getInt()
		if err != nil {
			return 0, err
		}
		if err := t.background(io.c, unix.SIGTTOU); err != nil {
			return 0, err
		}
		if v != 0 {
			return 0, unix.EINVAL
		}
		return 0, nil
	case unix.TIOCGDEV:
		return io.putInt(int(uint32(t.Dev)))
	case unix.TIOCMGET:
		if t.pty != nil {
			return 0, unix.ENOTTY
		}
		return io.putInt(unix.TIOCM_DTR | unix.TIOCM_RTS | unix.TIOCM_CAR | unix.TIOCM_CTS | unix.TIOCM_DSR)
	case unix.TIOCMSET, unix.TIOCMBIS, unix.TIOCMBIC:
		if t.pty != nil {
			return 0, unix.ENOTTY
		}
		_, err := io.getInt()
		return 0, err // the lines of an emulated port do not change
	case unix.TIOCCONS:
		return 0, redirectConsole(io, t)
	case unix.TIOCVHANGUP:
		if !io.c.Capable(unix.CAP_SYS_ADMIN) {
			return 0, unix.EPERM
		}
		t.Hangup()
		return 0, nil

	case unix.TIOCSCTTY, unix.TIOCNOTTY, unix.TIOCGPGRP, unix.TIOCSPGRP, unix.TIOCGSID:
		return t.ioctlJob(io, cmd)
	case tiocgptpeer:
		return 0, unix.EIO // it is for masters
	}
	return 0, unix.ENOTTY
}

// ioctlJob answers the calls of job control.
func (t *TTY) ioctlJob(io *ioctl, cmd uint32) (uint64, error) {
	who := task.Of(io.c)
	if who == nil {
		return 0, unix.ENOTTY
	}
	switch cmd {
	case unix.TIOCSCTTY:
		// A second 1 steals the terminal from another session. Stealing, and acquiring
		// what one cannot read, ask for CAP_SYS_ADMIN.
		if !io.vf.Readable() && !io.c.Capable(unix.CAP_SYS_ADMIN) {
			return 0, unix.EPERM
		}
		return 0, t.job.Acquire(who, io.arg == 1)
	case unix.TIOCNOTTY:
		return 0, t.job.Release(who)
	case unix.TIOCGPGRP:
		id, err := t.job.Foreground(who, io.master)
		if err != nil {
			return 0, err
		}
		return io.putInt(int(id))
	case unix.TIOCGSID:
		id, err := t.job.Session(who, io.master)
		if err != nil {
			return 0, err
		}
		return io.putInt(int(id))
	default: // TIOCSPGRP
		if err := t.background(io.c, unix.SIGTTOU); err != nil {
			if err == unix.EIO {
				err = unix.ENOTTY
			}
			return 0, err
		}
		id, err := io.getInt()
		if err != nil {
			return 0, err
		}
		return 0, t.job.SetForeground(who, task.ID(id))
	}
}

// ioctlSetTermios is TCSETS and its relatives.
func (t *TTY) ioctlSetTermios(io *ioctl, cmd uint32, drain, flush bool) (uint64, error) {
	if err := t.background(io.c, unix.SIGTTOU); err != nil {
		return 0, err
	}
	to := t.Termios()
	var b [abi.Termios2Size]byte
	var n int
	switch cmd {
	case unix.TCSETA, unix.TCSETAW, unix.TCSETAF:
		n = abi.TermioSize
	case unix.TCSETS, unix.TCSETSW, unix.TCSETSF:
		n = abi.TermiosSize
	default:
		n = abi.Termios2Size
	}
	if err := io.copyIn(b[:n]); err != nil {
		return 0, err
	}
	if n == abi.TermioSize {
		to.DecodeTermio(b[:n])
	} else {
		to.Decode(b[:n])
	}
	if n != abi.Termios2Size || to.Cflag&unix.CBAUD != unix.BOTHER {
		to.Ospeed = speed(to.Cflag)
		to.Ispeed = to.Ospeed
		if in := to.Cflag >> 16 & unix.CBAUD; in != 0 { // CIBAUD
			to.Ispeed = speed(in)
		}
	}
	if flush {
		t.mu.Lock()
		t.flushInput()
		t.pending.reset()
		t.mu.Unlock()
	}
	if drain {
		if err := t.Drain(io.c.Waiter); err != nil {
			return 0, err
		}
	}
	t.mu.Lock()
	t.setTermios(to)
	t.mu.Unlock()
	t.kick()
	return 0, nil
}

// speeds are the bit rates of B0, B50, ... and from B57600 (CBAUDEX) on.
var speeds = [...]uint32{0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400}
var fastSpeeds = [...]uint32{0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000,
	1500000, 2000000, 2500000, 3000000, 3500000, 4000000}

func speed(cflag uint32) uint32 {
	if cflag&unix.CBAUDEX != 0 {
		return fastSpeeds[cflag&15]
	}
	return speeds[cflag&15]
}

// ioctlFlow is tcflow(3).
func (t *TTY) ioctlFlow(io *ioctl) error {
	if err := t.background(io.c, unix.SIGTTOU); err != nil {
		return err
	}
	t.mu.Lock()
	err := error(nil)
	switch io.arg {
	case unix.TCOOFF:
		t.stop()
		t.flowStopped = true
	case unix.TCOON:
		t.flowStopped = false
		t.start()
	case unix.TCIOFF:
		t.sendChar(unix.VSTOP)
	case unix.TCION:
		t.sendChar(unix.VSTART)
	default:
		err = unix.EINVAL
	}
	t.mu.Unlock()
	t.kick()
	return err
}

// sendChar sends a special character to the far end as it is.
func (t *TTY) sendChar(cc int) {
	if c := t.termios.Cc[cc]; c != 0 {
		t.out.putByte(c)
	}
}

// ioctlFlush is tcflush(3).
func (t *TTY) ioctlFlush(io *ioctl) error {
	if err := t.background(io.c, unix.SIGTTOU); err != nil {
		return err
	}
	if io.arg > unix.TCIOFLUSH {
		return unix.EINVAL
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if io.arg != unix.TCOFLUSH {
		t.flushInput()
		t.pending.reset()
		t.space.Wake(wait.Out | wait.WrNorm)
		if t.pty != nil {
			t.pty.queue.Wake(wait.Out | wait.WrNorm)
		}
	}
	if io.arg != unix.TCIFLUSH {
		t.flushOutput()
	}
	return nil
}

// ioctlType is TIOCSTI: input as if it had been typed.
func (t *TTY) ioctlType(io *ioctl) error {
	who := task.Of(io.c)
	if (who == nil || !t.job.Controls(who)) && !io.c.Capable(unix.CAP_SYS_ADMIN) {
		return unix.EPERM
	}
	var b [1]byte
	if err := io.copyIn(b[:]); err != nil {
		return err
	}
	t.mu.Lock()
	t.receive(b[:])
	t.mu.Unlock()
	t.kick()
	return nil
}

// waiting is how much a read could get: TIOCINQ. In canonical mode, complete lines
// without the marks for end of file.
func (t *TTY) waiting() int {
	if !t.canonical() {
		return t.in.count()
	}
	n := 0
	for pos := t.in.tail; pos != t.in.canon; pos++ {
		if !t.in.marked(pos) || t.in.at(pos) != endOfFile {
			n++
		}
	}
	return n
}
