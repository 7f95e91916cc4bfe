// Package tty is terminals: the line discipline N_TTY (termios(3)), terminals on the
// machine's consoles, pseudo-terminals (pty(7)), and the device files /dev/tty,
// /dev/console and /dev/ptmx.
//
// Which session a terminal controls and which job is in the foreground is
// task.Terminal's business; a TTY has one and asks it. The devpts file system, which
// names pseudo-terminals, is linux/fs/devpts.
//
// A TTY is the side that programs use as their terminal. Behind it is a port (a
// machine.Console) or the master of a pseudo-terminal (Pty):
//
//	far end -> pending -> line discipline -> in -> Read
//	far end <- out <- output processing <- Write, echo
package tty

import (
	"math"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kevlar/linux/abi"
	"kevlar/linux/task"
	"kevlar/linux/vfs"
	"kevlar/linux/wait"
)

// extproc is EXTPROC, which x/sys/unix does not name for Linux: the far end edits lines.
const extproc = 0o200000

// Port is the device behind a terminal.
type Port interface {
	// Write sends p and returns when it is sent. One call runs at a time.
	Write(p []byte) (int, error)
}

// TTY is a terminal.
type TTY struct {
	Name string // as /proc and TTY paths show it: ttyS0, hvc0, pts/3
	Dev  uint64 // device number

	job    task.Terminal
	signal func(unix.Signal) // to the foreground job; job.Signal, but for tests

	port Port // nil for a pseudo-terminal
	pty  *Pty // nil for a device

	// queue is where readers, writers and pollers wait, space where the port's reader
	// waits for pending input to be taken. They are below mu.
	queue, space wait.Queue

	// mu guards what follows, and the whole of pty. It is held across no copy of user
	// memory and no call of port. Signals are sent under it, so it comes before
	// package task's locks.
	mu      sync.Mutex
	initial abi.Termios
	termios abi.Termios
	locked  abi.Termios // bits that programs may not change (TIOCSLCKTRMIOS)
	size    abi.Winsize

	opens      int    // open file descriptions that have not been hung up
	generation uint64 // counts hangups: files of an earlier one are hung up
	exclusive  bool   // TIOCEXCL

	in      inputBuffer
	pending ring // input for which in has no room
	reader  turn
	readBuf []byte // the reader's, between in and user memory

	out         ring
	heldEcho    ring // echo while output to a pty is stopped
	stopped     bool // STOP, TCOOFF
	flowStopped bool // TCOOFF: only TCOON starts it
	column      uint // where the cursor is
	heldColumn  uint // where it was when heldEcho began
	echoFrom    int  // what out held before the input being processed; -1 while there is none
	echoColumn  uint // and where the cursor was
	canonColumn uint // where it was when the line being edited began
	writer      turn
	writeBuf    []byte

	sending bool
	sendBuf [512]byte // guarded by sending
}

// turn makes readers, or writers, take turns. It is guarded by TTY.mu.
type turn struct{ taken bool }

// stdTermios are the settings a terminal begins with, as Linux's are.
func stdTermios(cflag, speed uint32) abi.Termios {
	t := abi.Termios{
		Iflag:  unix.ICRNL | unix.IXON,
		Oflag:  unix.OPOST | unix.ONLCR,
		Cflag:  cflag,
		Lflag:  unix.ISIG | unix.ICANON | unix.ECHO | unix.ECHOE | unix.ECHOK | unix.ECHOCTL | unix.ECHOKE | unix.IEXTEN,
		Ispeed: speed,
		Ospeed: speed,
	}
	for cc, c := range map[int]uint8{
		unix.VINTR: 'C' & 0x1f, unix.VQUIT: '\\' & 0x1f, unix.VERASE: 0x7f, unix.VKILL: 'U' & 0x1f,
		unix.VEOF: 'D' & 0x1f, unix.VSTART: 'Q' & 0x1f, unix.VSTOP: 'S' & 0x1f, unix.VSUSP: 'Z' & 0x1f,
		unix.VREPRINT: 'R' & 0x1f, unix.VDISCARD: 'O' & 0x1f, unix.VWERASE: 'W' & 0x1f,
		unix.VLNEXT: 'V' & 0x1f, unix.VMIN: 1,
	} {
		t.Cc[cc] = c
	}
	return t
}

func newTTY(name string, dev uint64, termios abi.Termios) *TTY {
	t := &TTY{Name: name, Dev: dev, initial: termios, termios: termios, echoFrom: -1}
	t.job.Dev, t.job.TTY = dev, t
	t.signal = t.job.Signal
	return t
}

// NewDevice makes a terminal of a device. Input goes to Receive.
func NewDevice(name string, dev uint64, p Port) *TTY {
	t := newTTY(name, dev, stdTermios(unix.B115200|unix.CS8|unix.CREAD|unix.HUPCL|unix.CLOCAL, 115200))
	t.port = p
	t.job.Disconnect = t.disconnect
	return t
}

// Receive takes input from the device, and returns once the terminal holds little
// enough that more may come.
func (t *TTY) Receive(p []byte, w *wait.Waiter) {
	t.mu.Lock()
	t.receive(p)
	t.mu.Unlock()
	t.kick()
	w.Until(&t.space, wait.Out, wait.Forever, func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.pending.len() == 0
	})
}

// SetSize says how large the window is; the foreground job gets SIGWINCH if that is
// news.
func (t *TTY) SetSize(size abi.Winsize) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.setSize(size)
}

func (t *TTY) setSize(size abi.Winsize) {
	if t.size == size {
		return
	}
	t.size = size
	t.signal(unix.SIGWINCH)
}

// Drain returns when all output has reached the device, or has no prospect to.
func (t *TTY) Drain(w *wait.Waiter) error {
	return w.Until(&t.queue, wait.Out, wait.Forever, func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.unsent() == 0
	})
}

// Open opens the terminal with the given open(2) flags. Without O_NOCTTY it becomes
// the controlling terminal of a session leader that has none.
func (t *TTY) Open(c *vfs.Context, flags uint32) (vfs.FileOps, error) {
	f, err := t.open(c)
	if err != nil {
		return nil, err
	}
	if flags&unix.O_NOCTTY == 0 && flags&unix.O_ACCMODE != unix.O_WRONLY {
		if task := task.Of(c); task != nil {
			t.job.Acquire(task, false) // many reasons not to, none of them an error of open
		}
	}
	return f, nil
}

func (t *TTY) open(c *vfs.Context) (*file, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pty != nil {
		if t.pty.closed || t.pty.locked {
			return nil, unix.EIO
		}
		t.pty.hungUp = false
	}
	if t.exclusive && !c.Capable(unix.CAP_SYS_ADMIN) {
		return nil, unix.EBUSY
	}
	t.opens++
	return &file{tty: t, generation: t.generation}, nil
}

// Hangup disconnects the terminal from all who have it open: vhangup(2), and the end
// of a pty's master. Its session is told, and loses it.
func (t *TTY) Hangup() {
	t.job.Hangup()
	t.disconnect()
}

func (t *TTY) disconnect() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hangup()
}

func (t *TTY) hangup() {
	t.generation++
	t.opens = 0
	t.exclusive = false
	t.stopped, t.flowStopped = false, false
	t.heldEcho.reset()
	t.in = inputBuffer{}
	t.pending.reset()
	if t.pty == nil {
		t.termios = t.initial // what was written still leaves
	} else {
		t.pty.slaveGone()
	}
	t.queue.Wake(wait.All)
	t.space.Wake(wait.All)
}

// turn waits until nobody else has the turn, and takes it.
func (t *TTY) take(c *vfs.Context, f *file, u *turn, nonBlock bool, events wait.Events) error {
	t.mu.Lock()
	if !u.taken {
		u.taken = true
		t.mu.Unlock()
		return nil
	}
	t.mu.Unlock()
	if nonBlock {
		return unix.EAGAIN
	}
	return c.Waiter.Until(&t.queue, events, wait.Forever, func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		free := !u.taken
		u.taken = true
		return free
	})
}

func (t *TTY) release(u *turn, events wait.Events) {
	t.mu.Lock()
	u.taken = false
	t.mu.Unlock()
	t.queue.Wake(events)
}

// background is the check of job control before the caller uses the terminal.
func (t *TTY) background(c *vfs.Context, sig unix.Signal) error {
	task := task.Of(c)
	if task == nil {
		return nil
	}
	return t.job.Background(task, sig)
}

// readable reports whether a reader finds something: a line, or least bytes.
func (t *TTY) readable(least int) bool {
	if t.canonical() {
		return t.in.canon != t.in.tail
	}
	return t.in.count() >= least
}

// setTermios changes the settings.
func (t *TTY) setTermios(to abi.Termios) {
	old := t.termios
	keep := func(to *uint32, old, locked uint32) { *to = old&locked | *to&^locked }
	keep(&to.Iflag, old.Iflag, t.locked.Iflag)
	keep(&to.Oflag, old.Oflag, t.locked.Oflag)
	keep(&to.Cflag, old.Cflag, t.locked.Cflag)
	keep(&to.Lflag, old.Lflag, t.locked.Lflag)
	for i := range to.Cc {
		if t.locked.Cc[i] != 0 {
			to.Cc[i] = old.Cc[i]
		}
	}
	if t.locked.Line != 0 {
		to.Line = old.Line
	}
	if t.pty != nil {
		to.Cflag = to.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8 | unix.CREAD
	}
	t.termios = to

	if (old.Lflag^to.Lflag)&(unix.ICANON|extproc) != 0 {
		// What has been typed becomes a line, or plain bytes, as it is.
		t.in.marks = [bufSize / 64]uint64{}
		t.in.canon = t.in.tail
		if t.lflag(unix.ICANON) && t.in.count() > 0 {
			t.in.mark(t.in.head - 1)
			t.in.canon = t.in.head
		}
		t.in.erasing, t.in.lnext = false, false
	}
	if old.Iflag&unix.IXON != 0 && !t.iflag(unix.IXON) {
		t.start()
	}
	if t.pty != nil {
		t.pty.termiosChanged(&old, &to)
	}
	t.process()
	t.queue.Wake(wait.In | wait.RdNorm | wait.Out | wait.WrNorm)
}

// packet tells a pty's master of events, in packet mode; of two that exclude each
// other packetChange keeps the later.
func (t *TTY) packet(status uint8) { t.packetChange(status, 0) }

func (t *TTY) packetChange(set, clear uint8) {
	if t.pty == nil || !t.pty.packetMode {
		return
	}
	t.pty.status = t.pty.status&^clear | set
	t.pty.queue.Wake(wait.Pri | wait.In | wait.RdNorm)
}

// decisecond is the unit of VTIME.
const decisecond = 100 * time.Millisecond

// never is a deadline that does not come within the life of the machine; unlike
// wait.Forever it can be compared with others.
const never = time.Duration(math.MaxInt64)
