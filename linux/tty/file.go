package tty

import (
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/user"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// file is an open terminal. It is hung up when the terminal's generation has moved on.
type file struct {
	vfs.DefaultOps
	tty        *TTY
	generation uint64
	console    bool // opened as /dev/console: exempt from job control
}

// alwaysPoll is what poll says of a file that has been hung up.
const hungUpPoll = wait.In | wait.Out | wait.Err | wait.Hup | wait.RdNorm | wait.WrNorm

func (f *file) hungUp() bool { return f.generation != f.tty.generation }

// Read is read(2) on a terminal: a line in canonical mode, else as VMIN and VTIME say
// (termios(3), "Canonical and noncanonical mode").
func (f *file) Read(c *vfs.Context, vf *vfs.File, dst *user.IO, _ int64) (int, error) {
	t := f.tty
	t.mu.Lock()
	gone := f.hungUp()
	t.mu.Unlock()
	if gone {
		return 0, nil
	}
	if !f.console {
		if err := t.background(c, unix.SIGTTIN); err != nil {
			return 0, err
		}
	}
	if err := t.take(c, f, &t.reader, vf.NonBlock(), wait.In); err != nil {
		return 0, err
	}
	defer t.release(&t.reader, wait.In)
	if t.readBuf == nil {
		t.readBuf = make([]byte, bufSize)
	}

	t.mu.Lock()
	least, deadline, between := 1, wait.Forever, time.Duration(0)
	poll := false
	if !t.lflag(unix.ICANON) {
		least = int(t.termios.Cc[unix.VMIN])
		vtime := time.Duration(t.termios.Cc[unix.VTIME]) * decisecond
		switch {
		case least > 0:
			between = vtime
		case vtime > 0:
			least, deadline = 1, wait.Now()+vtime
		default:
			least, poll = 1, true
		}
	}
	total := 0
	for dst.Len() > 0 {
		if !t.readable(1) {
			err := f.awaitInput(c, vf, deadline, poll) // without t.mu
			if err == errNoInput {
				break
			}
			if err != nil {
				t.mu.Unlock()
				return total, err
			}
			continue
		}
		line := t.canonical()
		n := t.consume(t.readBuf[:min(len(t.readBuf), dst.Len())])
		t.process()
		t.mu.Unlock()
		t.kick()
		m, err := dst.Write(t.readBuf[:n])
		total += m
		t.mu.Lock()
		if err != nil {
			t.mu.Unlock()
			return total, err
		}
		if line || total >= least {
			break
		}
		if between > 0 {
			deadline = wait.Now() + between
		}
	}
	more := t.readable(1)
	t.mu.Unlock()
	if more {
		t.queue.Wake(wait.In)
	}
	return total, nil
}

// errNoInput ends a read without error: hung up, or out of time.
const errNoInput = unix.Errno(0)

// awaitInput waits until there may be input. It is called with t.mu, and returns with it.
func (f *file) awaitInput(c *vfs.Context, vf *vfs.File, deadline time.Duration, poll bool) error {
	t := f.tty
	if f.hungUp() {
		if t.pty != nil && t.pty.closed {
			return unix.EIO
		}
		return errNoInput
	}
	if poll {
		return errNoInput
	}
	if vf.NonBlock() {
		return unix.EAGAIN
	}
	t.mu.Unlock()
	err := c.Waiter.Until(&t.queue, wait.In, deadline, func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.readable(1) || f.hungUp()
	})
	t.mu.Lock()
	if err == unix.ETIMEDOUT {
		return errNoInput
	}
	return err
}

// consume moves input to p: at most one line in canonical mode, without the mark for
// end of file.
func (t *TTY) consume(p []byte) int {
	in := &t.in
	if !t.canonical() {
		n := min(len(p), in.count())
		for i := range n {
			p[i] = in.at(in.tail + uint(i))
		}
		in.tail += uint(n)
		if in.canon < in.tail {
			in.canon = in.tail
		}
		return n
	}
	n := 0
	for in.tail != in.canon {
		c, end := in.at(in.tail), in.marked(in.tail)
		if end && c == endOfFile {
			// Also where p is full: the end of file is part of what this read took.
			in.unmark(in.tail)
			in.tail++
			break
		}
		if n == len(p) {
			break
		}
		p[n] = c
		n++
		in.unmark(in.tail)
		in.tail++
		if end {
			break
		}
	}
	return n
}

// Write is write(2) on a terminal: it returns when all of src is on its way.
func (f *file) Write(c *vfs.Context, vf *vfs.File, src *user.IO, _ int64) (int, error) {
	t := f.tty
	t.mu.Lock()
	gone, tostop := f.hungUp(), t.lflag(unix.TOSTOP)
	t.mu.Unlock()
	if gone {
		return 0, unix.EIO
	}
	if tostop && !f.console {
		if err := t.background(c, unix.SIGTTOU); err != nil {
			return 0, err
		}
	}
	if err := t.take(c, f, &t.writer, vf.NonBlock(), wait.Out); err != nil {
		return 0, err
	}
	defer t.release(&t.writer, wait.Out)
	if t.writeBuf == nil {
		t.writeBuf = make([]byte, 2048)
	}
	total := 0
	for src.Len() > 0 {
		n, err := src.Read(t.writeBuf)
		if n == 0 {
			return total, err
		}
		m, werr := f.writeOut(c, vf, t.writeBuf[:n])
		total += m
		if werr != nil {
			return total, werr
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// writeOut writes all of p, or what it can before an error.
func (f *file) writeOut(c *vfs.Context, vf *vfs.File, p []byte) (total int, err error) {
	t := f.tty
	for {
		t.mu.Lock()
		if f.hungUp() {
			t.mu.Unlock()
			return total, unix.EIO
		}
		n := t.output(p[total:])
		total += n
		t.mu.Unlock()
		if n > 0 {
			t.kick()
		}
		if total == len(p) {
			return total, nil
		}
		if n > 0 {
			continue // kick may have made room
		}
		if vf.NonBlock() {
			return total, unix.EAGAIN
		}
		err := c.Waiter.Until(&t.queue, wait.Out, wait.Forever, func() bool {
			t.mu.Lock()
			defer t.mu.Unlock()
			return t.writeRoom() >= 8 || f.hungUp() // 8: a tab may expand to as many
		})
		if err != nil {
			return total, err
		}
	}
}

// Poll implements vfs.FileOps.
func (f *file) Poll(_ *vfs.File, e *wait.Entry) (events wait.Events) {
	t := f.tty
	if e != nil {
		t.queue.Add(e)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.hungUp() {
		return hungUpPoll
	}
	least := 1
	if !t.lflag(unix.ICANON) && t.termios.Cc[unix.VTIME] == 0 {
		least = max(1, int(t.termios.Cc[unix.VMIN]))
	}
	if t.readable(least) {
		events |= wait.In | wait.RdNorm
	}
	if t.unsent() < 256 && t.writeRoom() > 0 {
		events |= wait.Out | wait.WrNorm
	}
	return events
}

// Unpoll implements vfs.FileOps.
func (f *file) Unpoll(_ *vfs.File, e *wait.Entry) { f.tty.queue.Remove(e) }

// Release implements vfs.FileOps: the last close of a pty's slave is an end of file
// for its master.
func (f *file) Release(vf *vfs.File) {
	t := f.tty
	endRedirection(vf)
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.hungUp() {
		return
	}
	t.opens--
	if t.opens > 0 {
		return
	}
	t.exclusive = false
	if t.pty != nil {
		t.pty.slaveGone()
	}
}

// drain waits until output has been sent: tcdrain(3).
func (f *file) drain(c *vfs.Context) error {
	t := f.tty
	return c.Waiter.Until(&t.queue, wait.Out, wait.Forever, func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.unsent() == 0 || f.hungUp()
	})
}

// Termios returns the terminal's settings.
func (t *TTY) Termios() abi.Termios {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.termios
}
