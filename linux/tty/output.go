package tty

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/wait"
)

// Limits of what waits for the far end. Echo may go a little past the writers' limit: it
// cannot wait.
const (
	deviceLimit  = 4096
	ptyDelivered = 4095                // what the master's own input buffer takes
	ptyLimit     = ptyDelivered + 8192 // and what may wait behind it
	echoExtra    = 4096
)

// writeRoom is how many bytes a writer may add to the output now.
func (t *TTY) writeRoom() int {
	if t.pty != nil {
		if t.stopped {
			return 0
		}
		return ptyLimit - t.out.len()
	}
	return deviceLimit - t.out.len()
}

// emitEcho adds a byte of echo to the output, or drops it where far too much waits.
func (t *TTY) emitEcho(c byte) {
	if t.pty != nil && t.stopped {
		if t.heldEcho.len() < echoExtra {
			t.heldEcho.putByte(c)
		}
		return
	}
	limit := deviceLimit
	if t.pty != nil {
		limit = ptyLimit
	}
	if t.out.len() < limit+echoExtra {
		t.out.putByte(c)
	}
}

// echo shows an input character: control characters as ^X with ECHOCTL.
func (t *TTY) echo(c byte) {
	t.noteHeld()
	if t.lflag(unix.ECHOCTL) && control(c) && c != '\t' {
		t.emitEcho('^')
		t.emitEcho(c ^ 0x40)
		t.column += 2
		return
	}
	t.echoRaw(c)
}

// echoRaw shows a character through output processing.
func (t *TTY) echoRaw(c byte) {
	t.noteHeld()
	if c == 0xff { // Linux's own escape in its echo buffer: it counts even without OPOST
		t.emitEcho(c)
		t.column++
		return
	}
	if !t.oflag(unix.OPOST) {
		t.emitEcho(c)
		return
	}
	var b [8]byte
	for _, c := range b[:t.postprocess(&b, c)] {
		t.emitEcho(c)
	}
}

// noteHeld remembers where the cursor is when echo begins to be held back, in case it
// is flushed instead of shown.
func (t *TTY) noteHeld() {
	if t.heldEcho.len() == 0 {
		t.heldColumn = t.column
	}
}

// postprocess applies OPOST to one character: it leaves what to send in b and
// returns how many bytes that is. It follows the cursor's column.
func (t *TTY) postprocess(b *[8]byte, c byte) int {
	b[0] = c
	switch c {
	case '\n':
		if t.oflag(unix.ONLRET) {
			t.column = 0
		}
		if t.oflag(unix.ONLCR) {
			t.column, t.canonColumn = 0, 0
			b[0], b[1] = '\r', '\n'
			return 2
		}
		t.canonColumn = t.column
	case '\r':
		if t.oflag(unix.ONOCR) && t.column == 0 {
			return 0
		}
		if t.oflag(unix.OCRNL) {
			b[0] = '\n'
			if t.oflag(unix.ONLRET) {
				t.column, t.canonColumn = 0, 0
			}
			break
		}
		t.column, t.canonColumn = 0, 0
	case '\t':
		n := 8 - t.column%8
		t.column += n
		if t.termios.Oflag&unix.TABDLY == unix.XTABS {
			copy(b[:], "        ")
			return int(n)
		}
	case '\b':
		t.moveBack()
	default:
		if !control(c) {
			if t.oflag(unix.OLCUC) {
				b[0] = upper(c)
			}
			if !t.continuation(c) {
				t.column++
			}
		}
	}
	return 1
}

// output processes as much of p as there is room for, and returns how much it took.
func (t *TTY) output(p []byte) int {
	room := t.writeRoom()
	if !t.oflag(unix.OPOST) {
		n := max(0, min(len(p), room))
		t.out.put(p[:n])
		return n
	}
	var b [8]byte
	for i, c := range p {
		column, canon := t.column, t.canonColumn
		n := t.postprocess(&b, c)
		if n > room {
			t.column, t.canonColumn = column, canon
			return i
		}
		t.out.put(b[:n])
		room -= n
	}
	return len(p)
}

// stop stops output, as STOP and TCOOFF do.
func (t *TTY) stop() {
	if t.stopped {
		return
	}
	t.stopped = true
	t.packetChange(unix.TIOCPKT_STOP, unix.TIOCPKT_START)
}

// start lets output go on.
func (t *TTY) start() {
	if !t.stopped || t.flowStopped {
		return
	}
	t.stopped = false
	t.packetChange(unix.TIOCPKT_START, unix.TIOCPKT_STOP)
	for t.heldEcho.len() > 0 {
		t.emitEcho(t.heldEcho.takeByte())
	}
	t.queue.Wake(wait.Out | wait.WrNorm)
}

// flushOutput drops output that has not reached the far end. What a pty's master has
// not read counts as delivered, but for the part that Linux would still hold.
func (t *TTY) flushOutput() {
	if t.heldEcho.len() > 0 {
		t.heldEcho.reset()
		t.column = t.heldColumn
	}
	if t.pty == nil {
		t.out.reset()
	} else {
		keep := ptyDelivered
		if t.echoFrom >= 0 && t.echoFrom < keep {
			// A signal character takes with it the echo of what came just before.
			keep, t.column = t.echoFrom, t.echoColumn
		}
		t.out.truncate(keep)
	}
	t.packet(unix.TIOCPKT_FLUSHWRITE)
	t.queue.Wake(wait.Out | wait.WrNorm)
}

// kick moves output on its way: without t.mu, because a device may take its time. A pty's
// reader is woken. Of those who have output for a device, one sends all of it, so
// that bytes stay in order and nobody waits for a lock while the device is slow.
func (t *TTY) kick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pty != nil {
		if t.out.len() > 0 {
			t.pty.queue.Wake(wait.In | wait.RdNorm)
		}
		return
	}
	for !t.sending && !t.stopped && t.out.len() > 0 {
		t.sending = true
		n := t.out.take(t.sendBuf[:])
		t.mu.Unlock()
		t.port.Write(t.sendBuf[:n]) // a console that fails has nobody to tell
		t.mu.Lock()
		t.sending = false
		t.queue.Wake(wait.Out | wait.WrNorm)
	}
}

// unsent is the number of bytes that have not reached the device (TIOCOUTQ). A pty
// has none: its master is reached at once.
func (t *TTY) unsent() int {
	if t.pty != nil {
		return 0
	}
	n := t.out.len()
	if t.sending {
		n++
	}
	return n
}
