package tty

import (
	"golang.org/x/sys/unix"

	"kevlar/linux/wait"
)

// bufSize is the size of the input buffer, as Linux has it: a line has at most 4095
// bytes and its terminator.
const bufSize = 4096

// inputBuffer is what has been typed and not been read. The positions count bytes
// ever typed: their low bits index buf. Between tail and canon are complete lines,
// between canon and head is the line being edited. In raw mode canon has no meaning.
type inputBuffer struct {
	buf   [bufSize]byte
	marks [bufSize / 64]uint64 // which bytes end a line; a marked NUL is end of file

	tail, canon, head uint
	lnext             bool // the next byte is literal (LNEXT)
	erasing           bool // between \ and / of ECHOPRT
}

func (b *inputBuffer) at(pos uint) byte { return b.buf[pos%bufSize] }

func (b *inputBuffer) mark(pos uint) { b.marks[pos%bufSize/64] |= 1 << (pos % 64) }

func (b *inputBuffer) unmark(pos uint) { b.marks[pos%bufSize/64] &^= 1 << (pos % 64) }

func (b *inputBuffer) marked(pos uint) bool { return b.marks[pos%bufSize/64]>>(pos%64)&1 != 0 }

func (b *inputBuffer) put(c byte) {
	b.buf[b.head%bufSize] = c
	b.head++
}

func (b *inputBuffer) count() int { return int(b.head - b.tail) }

func (b *inputBuffer) flush() {
	*b = inputBuffer{lnext: b.lnext}
}

// endOfFile is the byte that stands for EOF in the buffer, where it is marked. It is also the
// value of a special character that is switched off (_POSIX_VDISABLE).
const endOfFile = 0

func (t *TTY) iflag(bit uint32) bool { return t.termios.Iflag&bit != 0 }
func (t *TTY) oflag(bit uint32) bool { return t.termios.Oflag&bit != 0 }
func (t *TTY) lflag(bit uint32) bool { return t.termios.Lflag&bit != 0 }

// canonical reports whether input is line by line. With EXTPROC the other side does
// the editing.
func (t *TTY) canonical() bool { return t.lflag(unix.ICANON) && !t.lflag(extproc) }

// is reports whether c is the special character cc, which is not switched off.
func (t *TTY) is(c byte, cc int) bool { return c == t.termios.Cc[cc] && c != endOfFile }

// room returns how many bytes the discipline takes now. While no line is complete
// in canonical mode there is always room: editing characters must come through, and
// others replace the last byte.
func (t *TTY) room() (n int, overflow bool) {
	n = bufSize - 1 - t.in.count()
	if t.iflag(unix.PARMRK) {
		n = (bufSize-t.in.count())/3 - 1
	}
	if n > 0 {
		return n, false
	}
	if t.lflag(unix.ICANON) && t.in.canon == t.in.tail {
		return 1, true
	}
	return 0, false
}

// receive queues input from the far end and processes what there is room for. The
// caller holds t.mu, and calls t.kick without it afterwards, for the echo.
func (t *TTY) receive(p []byte) {
	t.pending.put(p)
	t.process()
}

// process moves pending input through the line discipline.
func (t *TTY) process() {
	if t.pending.len() == 0 {
		return
	}
	before := t.pending.len()
	t.echoFrom, t.echoColumn = t.out.len(), t.column
	defer func() { t.echoFrom = -1 }()
	for t.pending.len() > 0 {
		n, overflow := t.room()
		if n <= 0 {
			break
		}
		if t.plain() {
			t.takePlain(n)
			continue
		}
		if overflow && t.in.count() == bufSize {
			t.in.head-- // make way: what is typed past the end replaces the last byte
		}
		t.char(t.pending.takeByte())
	}
	if t.readable(1) {
		t.queue.Wake(wait.In | wait.RdNorm)
	}
	if t.pending.len() < before {
		t.space.Wake(wait.Out | wait.WrNorm)
		if t.pty != nil {
			t.pty.queue.Wake(wait.Out | wait.WrNorm)
		}
	}
}

// plain reports whether input goes to the reader as it is.
func (t *TTY) plain() bool {
	const iflags = unix.ISTRIP | unix.IUCLC | unix.IGNCR | unix.ICRNL | unix.INLCR | unix.IXON | unix.PARMRK
	const lflags = unix.ICANON | unix.ISIG | unix.ECHO
	return !t.iflag(iflags) && !t.lflag(lflags) && !t.in.lnext && !t.stopped
}

// takePlain moves up to n pending bytes into the buffer.
func (t *TTY) takePlain(n int) {
	at := t.in.head % bufSize
	k := t.pending.take(t.in.buf[at:min(int(at)+n, bufSize)])
	t.in.head += uint(k)
}

// char processes one input character, as termios(3) describes.
func (t *TTY) char(c byte) {
	if t.iflag(unix.ISTRIP) {
		c &= 0x7f
	}
	if t.iflag(unix.IUCLC) && t.lflag(unix.IEXTEN) {
		c = lower(c)
	}
	if t.lflag(extproc) {
		t.in.put(c)
		return
	}
	if t.in.lnext {
		t.in.lnext = false
		t.ordinary(c, false)
		return
	}
	if t.stopped && !t.flowStopped && t.iflag(unix.IXON) && t.iflag(unix.IXANY) &&
		!t.is(c, unix.VSTART) && !t.is(c, unix.VSTOP) && !t.signalChar(c) {
		t.start()
	}
	if t.iflag(unix.IXON) {
		switch {
		case t.is(c, unix.VSTART):
			t.start()
			return
		case t.is(c, unix.VSTOP):
			t.stop()
			return
		}
	}
	if t.lflag(unix.ISIG) {
		switch {
		case t.is(c, unix.VINTR):
			t.interrupt(unix.SIGINT, c)
			return
		case t.is(c, unix.VQUIT):
			t.interrupt(unix.SIGQUIT, c)
			return
		case t.is(c, unix.VSUSP):
			t.interrupt(unix.SIGTSTP, c)
			return
		}
	}
	fromCR := false
	switch {
	case c == '\r' && t.iflag(unix.IGNCR):
		return
	case c == '\r' && t.iflag(unix.ICRNL):
		c, fromCR = '\n', true
	case c == '\n' && t.iflag(unix.INLCR):
		c = '\r'
	}
	if t.lflag(unix.ICANON) && t.edit(c) {
		return
	}
	t.ordinary(c, fromCR)
}

func (t *TTY) signalChar(c byte) bool {
	return t.lflag(unix.ISIG) && (t.is(c, unix.VINTR) || t.is(c, unix.VQUIT) || t.is(c, unix.VSUSP))
}

// ordinary echoes and stores a character that has no special meaning. A newline
// shows as ^J, unless it was typed as a carriage return (fromCR).
func (t *TTY) ordinary(c byte, fromCR bool) {
	if t.lflag(unix.ECHO) {
		t.finishErasing()
		if fromCR {
			t.echoRaw(c)
		} else {
			if t.in.canon == t.in.head {
				t.canonColumn = t.column
			}
			t.echo(c)
		}
	}
	t.store(c)
}

// store appends c; with PARMRK a real \377 is doubled, to tell it from a mark.
func (t *TTY) store(c byte) {
	if c == 0xff && t.iflag(unix.PARMRK) {
		t.in.put(c)
	}
	t.in.put(c)
}

// edit acts on c if it has a meaning in canonical mode.
func (t *TTY) edit(c byte) bool {
	iexten := t.lflag(unix.IEXTEN)
	switch {
	case t.is(c, unix.VERASE), t.is(c, unix.VKILL), iexten && t.is(c, unix.VWERASE):
		t.erase(c)
	case iexten && t.is(c, unix.VLNEXT):
		t.in.lnext = true
		if t.lflag(unix.ECHO) {
			t.finishErasing()
			if t.lflag(unix.ECHOCTL) {
				t.echoRaw('^')
				t.echoRaw('\b')
			}
		}
	case iexten && t.lflag(unix.ECHO) && t.is(c, unix.VREPRINT):
		t.finishErasing()
		t.echo(c)
		t.echoRaw('\n')
		for pos := t.in.canon; pos != t.in.head; pos++ {
			t.echo(t.in.at(pos))
		}
	case c == '\n':
		if t.lflag(unix.ECHO | unix.ECHONL) {
			t.echoRaw(c)
		}
		t.endLine(c)
	case t.is(c, unix.VEOF):
		t.endLine(endOfFile)
	case t.is(c, unix.VEOL), iexten && t.is(c, unix.VEOL2):
		if t.lflag(unix.ECHO) {
			if t.in.canon == t.in.head {
				t.canonColumn = t.column
			}
			t.echo(c)
		}
		if c == 0xff && t.iflag(unix.PARMRK) {
			t.in.put(c)
		}
		t.endLine(c)
	default:
		return false
	}
	return true
}

// endLine stores the last byte of a line and hands the line to readers.
func (t *TTY) endLine(c byte) {
	t.in.mark(t.in.head)
	t.in.put(c)
	t.in.canon = t.in.head
}

// interrupt acts on INTR, QUIT and SUSP.
func (t *TTY) interrupt(sig unix.Signal, c byte) {
	t.signal(sig)
	if !t.lflag(unix.NOFLSH) {
		t.flushOutput()
		t.flushInput()
	}
	if t.iflag(unix.IXON) {
		t.start()
	}
	if t.lflag(unix.ECHO) {
		t.echo(c)
	}
}

// erase acts on ERASE, WERASE and KILL.
func (t *TTY) erase(c byte) {
	in := &t.in
	if in.head == in.canon {
		return
	}
	one := t.is(c, unix.VERASE)
	word := !one && t.lflag(unix.IEXTEN) && t.is(c, unix.VWERASE)
	if !one && !word {
		if !t.lflag(unix.ECHO) {
			in.head = in.canon
			return
		}
		if !t.lflag(unix.ECHOK) || !t.lflag(unix.ECHOKE) || !t.lflag(unix.ECHOE) {
			in.head = in.canon
			t.finishErasing()
			t.echo(c)
			if t.lflag(unix.ECHOK) {
				t.echoRaw('\n')
			}
			return
		}
	}
	for seen := false; in.head != in.canon; {
		pos := in.head - 1
		for t.continuation(in.at(pos)) && pos != in.canon {
			pos--
		}
		c := in.at(pos)
		if t.continuation(c) {
			break // half a character: nothing precedes it on this line
		}
		if word {
			if alnum(c) {
				seen = true
			} else if seen {
				break
			}
		}
		n := in.head - pos
		in.head = pos
		if t.lflag(unix.ECHO) {
			t.echoErase(c, pos, n, one)
		}
		if one {
			break
		}
	}
	if in.head == in.canon && t.lflag(unix.ECHO) {
		t.finishErasing()
	}
}

// echoErase shows that the character c, n bytes from pos on, has gone.
func (t *TTY) echoErase(c byte, pos, n uint, one bool) {
	switch {
	case t.lflag(unix.ECHOPRT):
		if !t.in.erasing {
			t.echoRaw('\\')
			t.in.erasing = true
		}
		t.echo(c)
		for i := uint(1); i < n; i++ {
			t.echoRaw(t.in.at(pos + i))
			t.moveBack()
		}
	case one && !t.lflag(unix.ECHOE):
		t.echo(t.termios.Cc[unix.VERASE])
	case c == '\t':
		t.eraseTab()
	default:
		if control(c) && t.lflag(unix.ECHOCTL) {
			t.rubout()
		}
		if !control(c) || t.lflag(unix.ECHOCTL) {
			t.rubout()
		}
	}
}

func (t *TTY) rubout() {
	t.echoRaw('\b')
	t.echoRaw(' ')
	t.echoRaw('\b')
}

// eraseTab moves back over the columns that a tab, just taken from the line, had
// taken: the column where it began follows from what precedes it, back to another tab or the
// start of the line.
func (t *TTY) eraseTab() {
	columns := uint(0)
	start := t.canonColumn
	for pos := t.in.head; pos != t.in.canon; {
		pos--
		c := t.in.at(pos)
		if c == '\t' {
			start = 0
			break
		}
		if control(c) {
			if t.lflag(unix.ECHOCTL) {
				columns += 2
			}
		} else if !t.continuation(c) {
			columns++
		}
	}
	for range 8 - (start+columns)%8 {
		t.emitEcho('\b')
		t.moveBack()
	}
}

func (t *TTY) moveBack() {
	if t.column > 0 {
		t.column--
	}
}

// finishErasing closes the \.../ of ECHOPRT.
func (t *TTY) finishErasing() {
	if t.in.erasing {
		t.in.erasing = false
		t.echoRaw('/')
	}
}

// flushInput drops what nobody has read. Pending input stays: it counts as not yet
// received.
func (t *TTY) flushInput() {
	t.in.flush()
	t.packet(unix.TIOCPKT_FLUSHREAD)
}

// continuation reports whether c is inside a UTF-8 character (IUTF8).
func (t *TTY) continuation(c byte) bool { return t.iflag(unix.IUTF8) && c&0xc0 == 0x80 }

func control(c byte) bool { return c < ' ' || c == 0x7f }

// alnum says what belongs to a word for WERASE: letters (of Latin-1, so that the first
// byte of a UTF-8 letter counts), digits and underscore.
func alnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' ||
		c >= 0xc0 && c != 0xd7 && c != 0xf7
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' || 0xc0 <= c && c <= 0xde && c != 0xd7 {
		return c + 0x20
	}
	return c
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' || 0xe0 <= c && c <= 0xfe && c != 0xf7 {
		return c - 0x20
	}
	return c
}
